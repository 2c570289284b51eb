-- Locks the customers of a batch, in one order everywhere, then reads, in statements of their own, what others had
-- committed. The lock is an advisory one: it writes nothing, and holds for a customer without a wallet too.
-- Answers JSON in the shape of lingdang.ledger.store.Loaded. Facts are given only where they are out of the ordinary;
-- products are asked about that are not known to be on sale in the catalogue's version, which is answered.
-- One plan for every batch, because planning anew costs more than a small batch; it looks rows up by key, whatever the
-- tables held when it was made.
CREATE OR REPLACE FUNCTION ledger_load(
    b smallint, moment timestamptz, customers text[],
    pay_customers text[], pay_sessions uuid[], products text[],
    credit_customers text[], credit_ids text[],
    voucher_customers text[], voucher_ids uuid[]
) RETURNS text LANGUAGE plpgsql SET lock_timeout = '3s'
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET enable_bitmapscan = off
AS $$
DECLARE
    wallets json; ended json; credits_found json; version bigint; listed json; unusable json;
BEGIN
    PERFORM pg_advisory_xact_lock(k.key) FROM (
        SELECT DISTINCT hashtextextended('wallet ' || c.customer_id, b) AS key FROM unnest(customers) AS c (customer_id)
         ORDER BY key
    ) k;
    SELECT json_agg(json_build_array(w.customer_id, w.currency, w.balance, w.seq, w.lots, w.remaining, w.next_expiry,
                                     w.ctid))
      INTO wallets FROM wallet w
     WHERE w.bucket = b AND w.customer_id = ANY (customers);
    IF cardinality(pay_sessions) > 0 THEN
        SELECT json_agg(e.session_id) INTO ended
          FROM unnest(pay_customers, pay_sessions) AS p (customer_id, session_id)
         CROSS JOIN LATERAL (
               SELECT e.session_id FROM session_end e
                WHERE e.bucket = b AND e.customer_id = p.customer_id AND e.session_id = p.session_id LIMIT 1
               ) e;
        -- One statement, one snapshot: these products are as they are in this version.
        SELECT c.version, (
               SELECT json_agg(json_build_array(n.product_id, p.on_sale IS TRUE))
                 FROM unnest(products) AS n (product_id)
                 LEFT JOIN LATERAL (
                      SELECT product_on_sale(p, moment) AS on_sale, p.on_sale_until FROM product p
                       WHERE p.product_id = n.product_id LIMIT 1
                      ) p ON true
                WHERE p.on_sale IS NOT TRUE OR p.on_sale_until IS NOT NULL)
          INTO version, listed
          FROM catalogue c WHERE c.one;
    END IF;
    IF cardinality(credit_ids) > 0 THEN
        SELECT json_agg(f) INTO credits_found FROM (
            SELECT c.customer_id AS cust_id, c.credit_id, c.currency, c.seq, c.amount, c.kind, c.expires_at,
                   c.reason, c.balance, c.credited_at
              FROM unnest(credit_customers, credit_ids) AS k (customer_id, credit_id)
             CROSS JOIN LATERAL (
                   SELECT * FROM credit c
                    WHERE c.bucket = b AND c.customer_id = k.customer_id AND c.credit_id = k.credit_id LIMIT 1
                   ) c
        ) f;
    END IF;
    IF cardinality(voucher_ids) > 0 THEN
        SELECT json_agg(json_build_array(n.customer_id, n.voucher_id, r.reason)) INTO unusable
          FROM unnest(voucher_customers, voucher_ids) AS n (customer_id, voucher_id)
          LEFT JOIN LATERAL (
               SELECT v.coupon_id, v.used_by, v.expires_at FROM voucher v
                WHERE v.bucket = b AND v.customer_id = n.customer_id AND v.voucher_id = n.voucher_id LIMIT 1
               ) v ON true
          LEFT JOIN LATERAL (
               SELECT c.status, c.first_purchase FROM coupon c WHERE c.coupon_id = v.coupon_id LIMIT 1
               ) c ON true
         CROSS JOIN LATERAL (
               SELECT CASE WHEN v.coupon_id IS NULL THEN 'not_held'
                           WHEN v.used_by IS NOT NULL THEN 'used'
                           WHEN c.status = 'withdrawn' THEN 'withdrawn'
                           WHEN v.expires_at <= moment THEN 'expired'
                           WHEN c.first_purchase AND EXISTS (
                                SELECT FROM transfer t
                                 WHERE t.customer_id = n.customer_id AND t.bucket = b
                                   AND t.order_id IS NOT NULL AND t.amount < 0
                                ) THEN 'not_first_purchase'
                           WHEN c.first_purchase THEN 'first_purchase'
                      END AS reason
               ) r
         WHERE r.reason IS NOT NULL;
    END IF;
    RETURN json_build_object(
        'wallets', coalesce(wallets, '[]'), 'ended', coalesce(ended, '[]'), 'credits', coalesce(credits_found, '[]'),
        'catalogue', version, 'listed', coalesce(listed, '[]'), 'unusable', coalesce(unusable, '[]'));
END
$$;
