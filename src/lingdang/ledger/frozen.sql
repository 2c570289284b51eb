-- Bells of disputed top-ups (lingdang.ledger.taken), by wallet; only where there are any.
CREATE OR REPLACE VIEW frozen AS
    SELECT t.bucket, t.customer, t.currency, sum(leg.amount)::bigint AS bells
      FROM transfer t, ROWS FROM (json_array_elements_text(t.accounts), unnest(t.amounts)) AS leg (account, amount)
     WHERE t.kind IN ('freeze', 'release', 'takeback') AND leg.account = 'frozen'
     GROUP BY 1, 2, 3 HAVING sum(leg.amount) <> 0;
