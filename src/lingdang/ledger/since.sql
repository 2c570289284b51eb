-- Answers the rows of these top-ups and, in the same wallets, those of credits after them and of what became of such
-- (lingdang.ledger.left), of customers whom ledger_load has locked: JSON, a list of rows as ledger_found has them.
CREATE OR REPLACE FUNCTION ledger_since(b smallint, causes uuid[]) RETURNS text LANGUAGE plpgsql STABLE
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET enable_bitmapscan = off
AS $$
DECLARE
    rows_found json;
BEGIN
    SELECT json_agg(json_build_array(t.customer, t.currency, t.seq, t.kind, t.amount, t.balance, t.at, t.accounts,
                                     t.amounts, t.cause, t.detail) ORDER BY t.customer, t.seq)
      INTO rows_found
      FROM (
           SELECT o.customer, o.currency, min(o.seq) AS seq
             FROM unnest(causes) AS c (cause)
            CROSS JOIN LATERAL (SELECT * FROM transfer t WHERE t.cause = c.cause AND t.bucket = b LIMIT 1) o
            GROUP BY 1, 2
           ) o
     CROSS JOIN LATERAL (
           SELECT * FROM transfer t
            WHERE t.bucket = b AND t.customer = o.customer AND t.seq >= o.seq AND t.currency = o.currency
              AND t.kind IN ('topup', 'credit', 'gift', 'adjustment', 'reversal', 'takeback', 'giveback', 'freeze',
                             'release')
           OFFSET 0
           ) t;
    RETURN coalesce(rows_found, '[]');
END
$$;
