-- How many of the bells that a row brought have paid a debt (lingdang.ledger.debts).
CREATE OR REPLACE FUNCTION debt_paid(accounts json, amounts bigint[]) RETURNS bigint LANGUAGE sql IMMUTABLE
RETURN (SELECT coalesce(sum(l.amount), 0)::bigint
          FROM ROWS FROM (json_array_elements_text(accounts), unnest(amounts)) AS l (account, amount)
         WHERE l.account = 'debt' AND l.amount > 0);
