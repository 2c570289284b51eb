-- Locks the customers of a batch, who come in one order everywhere, then reads, in statements of their own, what others
-- had committed. The lock is an advisory one: it writes nothing, and holds for a customer without a wallet too.
-- Before any of them a lock that all settlements share is taken, by which readers of the journal tell a settlement from
-- other transactions (lingdang.journal.positions); for the same reason the transaction must not have an id yet.
-- Answers JSON in the shape of lingdang.ledger.store.LoadAnswer. Facts are given only where they are out of the ordinary;
-- products are asked about that the worker does not know in the catalogue's version, which is answered.
-- One plan for every batch, because planning anew costs more than a small batch; it looks rows up by key, whatever the
-- tables held when it was made.
CREATE OR REPLACE FUNCTION ledger_load(
    b smallint, moment timestamptz, customers bigint[],
    session_customers bigint[], sessions uuid[], products text[],
    voucher_customers bigint[], voucher_ids uuid[]
) RETURNS text LANGUAGE plpgsql SET lock_timeout = '3s'
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET enable_bitmapscan = off
AS $$
DECLARE
    wallets json; ended json; version uuid; read json; unusable json;
BEGIN
    IF pg_current_xact_id_if_assigned() IS NOT NULL THEN
        RAISE EXCEPTION 'ledger_load: the transaction has written before';
    END IF;
    PERFORM pg_advisory_xact_lock_shared(7308319, 2);
    PERFORM pg_advisory_xact_lock(c.customer) FROM unnest(customers) AS c (customer);
    SELECT json_agg(json_build_array(w.customer, w.currency, w.balance, w.seq, w.moved_at, w.lots, w.remaining,
                                     w.next_expiry, w.ctid, w.debt))
      INTO wallets FROM wallet w
     WHERE w.bucket = b AND w.customer = ANY (customers);
    IF cardinality(sessions) > 0 THEN
        SELECT json_agg(p.session_id) INTO ended
          FROM unnest(session_customers, sessions) AS p (customer, session_id)
         CROSS JOIN LATERAL session_ended(b, p.customer, p.session_id) e;
        -- One statement, one snapshot: these products are as they are in this version.
        SELECT c.version, CASE WHEN cardinality(products) > 0 THEN products_read(products, false) END
          INTO version, read
          FROM catalogue c WHERE c.one;
    END IF;
    IF cardinality(voucher_ids) > 0 THEN
        SELECT json_agg(json_build_array(n.customer, n.voucher_id, r.reason)) INTO unusable
          FROM unnest(voucher_customers, voucher_ids) AS n (customer, voucher_id)
          LEFT JOIN LATERAL (
               SELECT v.coupon_id, v.used_by, v.expires_at FROM voucher v
                WHERE v.bucket = b AND v.customer = n.customer AND v.voucher_id = n.voucher_id LIMIT 1
               ) v ON true
          LEFT JOIN LATERAL (
               SELECT c.status, c.first_purchase FROM coupon c WHERE c.coupon_id = v.coupon_id LIMIT 1
               ) c ON true
         CROSS JOIN LATERAL (
               SELECT CASE WHEN v.coupon_id IS NULL THEN 'not_held'
                           WHEN v.used_by IS NOT NULL THEN 'used'
                           WHEN c.status = 'withdrawn' THEN 'withdrawn'
                           WHEN v.expires_at <= moment THEN 'expired'
                           -- An order above 0 bells that is not wholly refunded has left a right.
                           -- No EXISTS: that may be answered from a hash of the whole journal.
                           WHEN c.first_purchase AND (
                                SELECT true
                                  FROM entitlement e
                                 CROSS JOIN LATERAL (
                                       SELECT FROM transfer t
                                        WHERE t.bucket = b AND t.customer = e.customer AND t.seq = e.granted_by
                                          AND t.kind = 'payment' AND t.amount < 0 LIMIT 1
                                       ) t
                                 WHERE e.bucket = b AND e.customer = n.customer LIMIT 1
                                ) THEN 'not_first_purchase'
                           WHEN c.first_purchase THEN 'first_purchase'
                      END AS reason
               ) r
         WHERE r.reason IS NOT NULL;
    END IF;
    RETURN json_build_object(
        'wallets', coalesce(wallets, '[]'), 'ended', coalesce(ended, '[]'),
        'catalogue', version, 'products', coalesce(read, '[]'), 'unusable', coalesce(unusable, '[]'));
END
$$;
