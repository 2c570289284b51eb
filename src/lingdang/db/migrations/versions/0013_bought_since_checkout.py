"""What a customer has bought is looked up when their wallets have moved since the checkout, and not otherwise."""

from lingdang.db.migrations.run import run

revision = "0013"
down_revision = "0012"

LOAD = """
DROP FUNCTION ledger_load;
-- Locks the customers of a batch, in one order everywhere, then reads, in statements of their own, what others had
-- committed. The lock is an advisory one: it writes nothing, and holds for a customer without a wallet too.
-- Answers JSON in the shape of lingdang.ledger.store.Loaded. Facts are given only where they are out of the ordinary;
-- products are asked about that are not known to be on sale in the catalogue's version, which is answered. As in 0010,
-- without what ledger_bought answers.
CREATE FUNCTION ledger_load(
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
                                SELECT FROM entitlement e WHERE e.bucket = b AND e.customer_id = n.customer_id
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
"""

BOUGHT = """
-- Answers which of these products are owned and which of these orders are paid, of customers whom ledger_load has
-- locked: JSON in the shape of lingdang.ledger.store.Bought. An order token says how many transfers its customer had
-- when nothing in it was owned. Every entitlement comes with a transfer, so that only who has more is asked about.
CREATE FUNCTION ledger_bought(
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
"""

SAVE = """
DROP FUNCTION ledger_save;
-- Writes what a batch changed. Arrays come as text where a row's column is itself an array or JSON.
-- The customers were locked by ledger_load: each wallet is where it was found and as it was left. A count that is off
-- means that something else has written, and nothing is written here. As in 0010, but that an order's products are one
-- array, instead of three columns with a row for each of them.
CREATE FUNCTION ledger_save(
    b smallint, moment timestamptz,
    w_customer text[], w_currency text[], w_balance bigint[], w_seq bigint[], w_lots text[], w_remaining text[],
    w_expiry timestamptz[], w_place tid[], w_before bigint[],
    t_customer text[], t_currency text[], t_seq bigint[], t_kind text[], t_reference text[], t_amount bigint[],
    t_balance bigint[], t_accounts text[], t_amounts text[],
    t_order uuid[], t_discount bigint[], t_lines text[], t_coupons text[],
    t_products text[],
    c_customer text[], c_credit text[], c_currency text[], c_seq bigint[], c_amount bigint[], c_kind text[],
    c_expires timestamptz[], c_reason text[], c_balance bigint[],
    v_customer text[], v_id uuid[], v_order uuid[], v_saved bigint[]
) RETURNS void LANGUAGE plpgsql SET lock_timeout = '3s'
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET enable_bitmapscan = off
AS $$
DECLARE
    written bigint;
    inserted bigint := 0;
BEGIN
    UPDATE wallet w
       SET balance = n.balance, seq = n.seq, lots = n.lots::text[], remaining = n.remaining::bigint[],
           next_expiry = n.expiry
      FROM unnest(w_customer, w_currency, w_balance, w_seq, w_lots, w_remaining, w_expiry, w_place, w_before)
           AS n (customer_id, currency, balance, seq, lots, remaining, expiry, place, before)
     WHERE w.ctid = n.place
       AND w.bucket = b AND w.customer_id = n.customer_id AND w.currency = n.currency AND w.seq = n.before;
    GET DIAGNOSTICS written = ROW_COUNT;
    IF written < cardinality(w_customer) THEN
        INSERT INTO wallet (bucket, customer_id, currency, balance, seq, lots, remaining, next_expiry)
        SELECT b, n.customer_id, n.currency, n.balance, n.seq, n.lots::text[], n.remaining::bigint[], n.expiry
          FROM unnest(w_customer, w_currency, w_balance, w_seq, w_lots, w_remaining, w_expiry, w_before)
               AS n (customer_id, currency, balance, seq, lots, remaining, expiry, before)
         WHERE n.before = 0;
        GET DIAGNOSTICS inserted = ROW_COUNT;
    END IF;
    IF written + inserted <> cardinality(w_customer) THEN
        RAISE EXCEPTION 'ledger_save: % of % wallets written', written + inserted, cardinality(w_customer);
    END IF;
    INSERT INTO transfer (amount, balance, at, discount, seq, bucket, customer_id, currency, kind, amounts, accounts,
                          reference, order_id, lines, coupons)
    SELECT n.amount, n.balance, moment, n.discount, n.seq, b, n.customer, n.currency, n.kind, n.amounts::bigint[],
           n.accounts::json, n.reference, n.id, n.lines::json, n.coupons::json
      FROM unnest(t_customer, t_currency, t_seq, t_kind, t_reference, t_amount, t_balance, t_accounts, t_amounts,
                  t_order, t_discount, t_lines, t_coupons)
           AS n (customer, currency, seq, kind, reference, amount, balance, accounts, amounts,
                 id, discount, lines, coupons);
    INSERT INTO entitlement (bucket, customer_id, product_id, order_id)
    SELECT b, n.customer, unnest(n.products::text[]), n.id
      FROM unnest(t_customer, t_products, t_order) AS n (customer, products, id);
    IF cardinality(v_id) > 0 THEN
        UPDATE voucher v SET used_by = n.used_by, used_at = moment, saved = n.saved
          FROM (
               SELECT n.used_by, n.saved, o.place
                 FROM unnest(v_customer, v_id, v_order, v_saved) AS n (customer_id, voucher_id, used_by, saved)
                CROSS JOIN LATERAL (
                      SELECT o.ctid AS place FROM voucher o
                       WHERE o.bucket = b AND o.customer_id = n.customer_id AND o.voucher_id = n.voucher_id LIMIT 1
                      ) o
               ) n
         WHERE v.ctid = n.place AND v.used_by IS NULL AND v.expires_at > moment;
        GET DIAGNOSTICS written = ROW_COUNT;
        IF written <> cardinality(v_id) THEN
            RAISE EXCEPTION 'ledger_save: % of % vouchers used', written, cardinality(v_id);
        END IF;
    END IF;
    IF cardinality(c_credit) > 0 THEN
        INSERT INTO credit (bucket, customer_id, credit_id, currency, seq, amount, kind, expires_at, reason, balance,
                            credited_at)
        SELECT b, n.customer, n.id, n.currency, n.seq, n.amount, n.kind, n.expires, n.reason, n.balance, moment
          FROM unnest(c_customer, c_credit, c_currency, c_seq, c_amount, c_kind, c_expires, c_reason, c_balance)
               AS n (customer, id, currency, seq, amount, kind, expires, reason, balance);
    END IF;
END
$$;
"""


def upgrade() -> None:
    for sql in (LOAD, BOUGHT, SAVE):
        run(sql)
