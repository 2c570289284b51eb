-- Answers which of these products are owned and which of these orders are paid, of customers whom ledger_load has
-- locked: JSON in the shape of lingdang.ledger.store.Bought. An order token says how many transfers its customer had
-- when nothing in it was owned. Every entitlement comes with a transfer, so that only who has more is asked about.
-- One plan, as in ledger_load.
CREATE OR REPLACE FUNCTION ledger_bought(
    b smallint, line_customers text[], line_products text[], pay_customers text[], pay_orders uuid[]
) RETURNS text LANGUAGE plpgsql STABLE
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET enable_bitmapscan = off
AS $$
DECLARE
    owned json; orders_found json;
BEGIN
    SELECT json_agg(json_build_array(e.customer_id, e.product_id)) INTO owned
      FROM unnest(line_customers, line_products) AS l (customer_id, product_id)
     CROSS JOIN LATERAL (
           SELECT e.customer_id, e.product_id FROM entitlement e
            WHERE e.bucket = b AND e.customer_id = l.customer_id AND e.product_id = l.product_id LIMIT 1
           ) e;
    -- Who was paid before owns what was paid for.
    IF owned IS NOT NULL THEN
        SELECT json_agg(f) INTO orders_found FROM (
            SELECT o.customer_id AS cust_id, o.order_id, o.currency, o.seq, o.subtotal, o.discount, o.total,
                   o.balance, o.paid_at, o.lines, o.coupons
              FROM unnest(pay_customers, pay_orders) AS p (customer_id, order_id)
             CROSS JOIN LATERAL (
                   SELECT * FROM orders o
                    WHERE o.order_id = p.order_id AND o.bucket = b AND o.customer_id = p.customer_id LIMIT 1
                   ) o
        ) f;
    END IF;
    RETURN json_build_object('owned', coalesce(owned, '[]'), 'orders', coalesce(orders_found, '[]'));
END
$$;
