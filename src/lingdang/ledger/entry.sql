-- The journal read leg by leg.
CREATE OR REPLACE VIEW entry AS
    SELECT t.bucket, t.customer, t.currency, t.seq, leg.ordinality AS leg, t.kind, t.cause, t.at,
           account_name(leg.account, t.kind, t.detail) AS account, leg.amount
      FROM transfer t,
           ROWS FROM (json_array_elements(t.accounts), unnest(t.amounts)) WITH ORDINALITY AS leg (account, amount);
