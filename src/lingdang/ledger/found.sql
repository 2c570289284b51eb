-- Answers what the journal has of these causes, the refunds of these orders, and which of these rights there are, of
-- customers whom ledger_load has locked: JSON in the shape of lingdang.ledger.store.FoundAnswer. One plan, as in ledger_load.
CREATE OR REPLACE FUNCTION ledger_found(
    b smallint, causes uuid[], orders uuid[], right_customers bigint[], right_products text[]
) RETURNS text LANGUAGE plpgsql STABLE
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET enable_bitmapscan = off
AS $$
DECLARE
    rows_found json; refunds json; rights json;
BEGIN
    SELECT json_agg(json_build_array(t.customer, t.currency, t.seq, t.kind, t.amount, t.balance, t.at, t.accounts,
                                     t.amounts, t.cause, t.detail))
      INTO rows_found
      FROM unnest(causes) AS c (cause)
     CROSS JOIN LATERAL (SELECT * FROM transfer t WHERE t.cause = c.cause AND t.bucket = b LIMIT 1) t;
    IF cardinality(orders) > 0 THEN
        SELECT json_agg(json_build_array(t.customer, t.currency, t.seq, t.kind, t.amount, t.balance, t.at, t.accounts,
                                         t.amounts, t.cause, t.detail) ORDER BY t.seq)
          INTO refunds
          FROM (SELECT DISTINCT o.id FROM unnest(orders) AS o (id)) o
         CROSS JOIN LATERAL (
               SELECT * FROM transfer t
                WHERE t.kind = 'refund' AND t.detail->>'orderId' = o.id::text AND t.bucket = b OFFSET 0
               ) t;
    END IF;
    SELECT json_agg(json_build_array(e.customer, e.product_id, e.granted_by, e.opened_at IS NOT NULL)) INTO rights
      FROM unnest(right_customers, right_products) AS r (customer, product_id)
     CROSS JOIN LATERAL (
           SELECT e.customer, e.product_id, e.granted_by, e.opened_at FROM entitlement e
            WHERE e.bucket = b AND e.customer = r.customer AND e.product_id = r.product_id LIMIT 1
           ) e;
    RETURN json_build_object('rows', coalesce(rows_found, '[]'), 'refunds', coalesce(refunds, '[]'),
                             'rights', coalesce(rights, '[]'));
END
$$;
