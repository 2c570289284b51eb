"""One journal row for a payment and its order, a lock that writes nothing, narrower answers of the load functions."""

from lingdang.db.migrations.run import run

revision = "0007"
down_revision = "0006"

SQL = """
-- One journal row for a payment and its order, which was a row of its own: half of what a payment writes.
ALTER TABLE transfer RENAME TO transfer_0006;
ALTER TABLE transfer_0006 RENAME CONSTRAINT transfer_pkey TO transfer_0006_pkey;

-- The journal: one row a transfer, its legs in two arrays of one length that sum to zero. Never updated, never deleted.
-- `seq` counts a wallet's transfers from 1 without a gap. A payment's row is its order too, whose lines and vouchers
-- stand as the customer was offered them: arrays in the order of lingdang.ledger.commands.Line and UsedCoupon.
CREATE TABLE transfer (
    seq         bigint NOT NULL,
    amount      bigint NOT NULL,
    balance     bigint NOT NULL CHECK (balance >= 0),
    at          timestamptz NOT NULL,
    bucket      smallint NOT NULL,
    customer_id text COLLATE "C" NOT NULL,
    currency    text COLLATE "C" NOT NULL,
    kind        text NOT NULL,
    accounts    text[] NOT NULL,
    amounts     bigint[] NOT NULL,
    reference   text,
    order_id    uuid,
    subtotal    bigint CHECK (subtotal >= 0),
    discount    bigint CHECK (discount >= 0),
    lines       json,
    coupons     json,
    PRIMARY KEY (bucket, customer_id, currency, seq),
    CONSTRAINT transfer_sums_to_zero CHECK (
        cardinality(accounts) = cardinality(amounts) AND total(amounts) = 0
    ),
    CONSTRAINT transfer_names_its_cause CHECK (
        CASE kind WHEN 'payment' THEN order_id IS NOT NULL AND reference IS NULL
                                  AND amount <= 0 AND -amount = subtotal - discount
                                  AND lines IS NOT NULL AND coupons IS NOT NULL
                  ELSE reference IS NOT NULL AND num_nulls(order_id, subtotal, discount, lines, coupons) = 5 END
    )
);
INSERT INTO transfer
SELECT t.seq, t.amount, t.balance, t.at, t.bucket, t.customer_id, t.currency, t.kind, t.accounts, t.amounts,
       CASE WHEN o.order_id IS NULL THEN t.reference END, o.order_id, o.subtotal, o.discount,
       (SELECT json_agg(json_build_array(l->'productId', l->'title', l->'publisher', l->'listPrice', l->'price',
                                         l->'discount', l->'payable') ORDER BY n)
          FROM jsonb_array_elements(o.lines) WITH ORDINALITY AS e (l, n)),
       coalesce((SELECT json_agg(json_build_array(c->'couponId', c->'saves') ORDER BY n)
                   FROM jsonb_array_elements(o.coupons) WITH ORDINALITY AS e (c, n)),
                CASE WHEN o.order_id IS NOT NULL THEN '[]'::json END)
  FROM transfer_0006 t
  LEFT JOIN orders o ON t.kind = 'payment' AND o.bucket = t.bucket AND o.customer_id = t.customer_id
                    AND o.currency = t.currency AND o.seq = t.seq
 ORDER BY t.at;
CREATE UNIQUE INDEX transfer_order ON transfer (bucket, customer_id, order_id) WHERE order_id IS NOT NULL;
DROP TABLE orders;
DROP VIEW entry;
DROP TABLE transfer_0006;

-- The journal read leg by leg.
CREATE VIEW entry AS
    SELECT t.bucket, t.customer_id, t.currency, t.seq, leg.ordinality AS leg, t.kind,
           coalesce(t.reference, t.order_id::text) AS reference, t.at, leg.account, leg.amount
      FROM transfer t, unnest(t.accounts, t.amounts) WITH ORDINALITY AS leg (account, amount);
-- Orders as paid, and their lines and vouchers by name.
CREATE VIEW orders AS
    SELECT bucket, customer_id, order_id, currency, seq, subtotal, discount, -amount AS total, balance, at AS paid_at,
           lines, coupons
      FROM transfer WHERE order_id IS NOT NULL;
CREATE VIEW order_line AS
    SELECT o.bucket, o.customer_id, o.order_id, n AS line, l->>0 AS product_id, l->>1 AS title, l->>2 AS publisher,
           (l->>3)::bigint AS list_price, (l->>4)::bigint AS price, (l->>5)::bigint AS discount,
           (l->>6)::bigint AS payable
      FROM orders o, json_array_elements(o.lines) WITH ORDINALITY AS e (l, n);
CREATE VIEW order_coupon AS
    SELECT o.bucket, o.customer_id, o.order_id, n AS coupon, (c->>0)::uuid AS voucher_id, (c->>1)::bigint AS saves
      FROM orders o, json_array_elements(o.coupons) WITH ORDINALITY AS e (c, n);

DROP FUNCTION ledger_load;
DROP FUNCTION ledger_save;
DROP FUNCTION checkout_load;
"""

# As 0006, but for the lock, the wallets' places, and orders as part of the journal.
LOAD = """
-- Locks the customers of a batch, in one order everywhere, then reads, in statements of their own, what others had
-- committed. The lock is an advisory one: it writes nothing, and holds for a customer without a wallet too.
-- Answers JSON in the shape of lingdang.ledger.store.Loaded. Facts are given only where they are out of the ordinary.
CREATE FUNCTION ledger_load(
    b smallint, moment timestamptz, customers text[],
    pay_customers text[], pay_orders uuid[], pay_sessions uuid[],
    line_customers text[], line_products text[],
    credit_customers text[], credit_ids text[],
    voucher_customers text[], voucher_ids uuid[]
) RETURNS text LANGUAGE plpgsql SET lock_timeout = '3s'
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET enable_bitmapscan = off
AS $$
DECLARE
    wallets json; ended json; orders_found json; credits_found json; owned json; unavailable json; unusable json;
BEGIN
    PERFORM pg_advisory_xact_lock(k.key) FROM (
        SELECT DISTINCT hashtextextended('wallet ' || c.customer_id, b) AS key FROM unnest(customers) AS c (customer_id)
         ORDER BY key
    ) k;
    SELECT json_agg(json_build_array(w.customer_id, w.currency, w.balance, w.seq, w.lots, w.remaining, w.next_expiry,
                                     w.ctid))
      INTO wallets FROM wallet w
     WHERE w.bucket = b AND w.customer_id = ANY (customers);
    IF cardinality(pay_orders) > 0 THEN
        SELECT json_agg(e.session_id) INTO ended
          FROM unnest(pay_customers, pay_sessions) AS p (customer_id, session_id)
         CROSS JOIN LATERAL (
               SELECT e.session_id FROM session_end e
                WHERE e.bucket = b AND e.customer_id = p.customer_id AND e.session_id = p.session_id LIMIT 1
               ) e;
        SELECT json_agg(f) INTO orders_found FROM (
            SELECT o.customer_id AS cust_id, o.order_id, o.currency, o.seq, o.subtotal, o.discount, o.total,
                   o.balance, o.paid_at, o.lines, o.coupons
              FROM unnest(pay_customers, pay_orders) AS p (customer_id, order_id)
             CROSS JOIN LATERAL (
                   SELECT * FROM orders o
                    WHERE o.bucket = b AND o.customer_id = p.customer_id AND o.order_id = p.order_id LIMIT 1
                   ) o
        ) f;
        SELECT json_agg(json_build_array(e.customer_id, e.product_id)) INTO owned
          FROM unnest(line_customers, line_products) AS l (customer_id, product_id)
         CROSS JOIN LATERAL (
               SELECT e.customer_id, e.product_id FROM entitlement e
                WHERE e.bucket = b AND e.customer_id = l.customer_id AND e.product_id = l.product_id LIMIT 1
               ) e;
        SELECT json_agg(DISTINCT l.product_id) INTO unavailable
          FROM unnest(line_products) AS l (product_id)
          LEFT JOIN LATERAL (
               SELECT product_on_sale(p, moment) AS on_sale FROM product p WHERE p.product_id = l.product_id LIMIT 1
               ) p ON true
         WHERE p.on_sale IS NOT TRUE;
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
                                SELECT FROM orders o WHERE o.bucket = b AND o.customer_id = n.customer_id
                                ) THEN 'not_first_purchase'
                           WHEN c.first_purchase THEN 'first_purchase'
                      END AS reason
               ) r
         WHERE r.reason IS NOT NULL;
    END IF;
    RETURN json_build_object(
        'wallets', coalesce(wallets, '[]'), 'ended', coalesce(ended, '[]'), 'orders', coalesce(orders_found, '[]'),
        'credits', coalesce(credits_found, '[]'), 'owned', coalesce(owned, '[]'),
        'unavailable', coalesce(unavailable, '[]'), 'unusable', coalesce(unusable, '[]'));
END
$$;
"""

SAVE = """
-- Writes what a batch changed. Arrays come as text where a row's column is itself an array.
-- The customers were locked by ledger_load: each wallet is where it was found and as it was left. A count that is off
-- means that something else has written, and nothing is written here.
CREATE FUNCTION ledger_save(
    b smallint, moment timestamptz,
    w_customer text[], w_currency text[], w_balance bigint[], w_seq bigint[], w_lots text[], w_remaining text[],
    w_expiry timestamptz[], w_place tid[], w_before bigint[],
    t_customer text[], t_currency text[], t_seq bigint[], t_kind text[], t_reference text[], t_amount bigint[],
    t_balance bigint[], t_accounts text[], t_amounts text[],
    t_order uuid[], t_subtotal bigint[], t_discount bigint[], t_lines text[], t_coupons text[],
    e_customer text[], e_product text[], e_order uuid[],
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
    INSERT INTO transfer (seq, amount, balance, at, bucket, customer_id, currency, kind, reference, accounts, amounts,
                          order_id, subtotal, discount, lines, coupons)
    SELECT n.seq, n.amount, n.balance, moment, b, n.customer, n.currency, n.kind, n.reference, n.accounts::text[],
           n.amounts::bigint[], n.id, n.subtotal, n.discount, n.lines::json, n.coupons::json
      FROM unnest(t_customer, t_currency, t_seq, t_kind, t_reference, t_amount, t_balance, t_accounts, t_amounts,
                  t_order, t_subtotal, t_discount, t_lines, t_coupons)
           AS n (customer, currency, seq, kind, reference, amount, balance, accounts, amounts,
                 id, subtotal, discount, lines, coupons);
    INSERT INTO entitlement (bucket, customer_id, product_id, order_id, granted_at)
    SELECT b, n.customer, n.product, n.id, moment
      FROM unnest(e_customer, e_product, e_order) AS n (customer, product, id);
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

CHECKOUT = """
-- Reads what a batch of checkouts is priced with, in one snapshot. Answers JSON in the shape of
-- lingdang.checkout.reading.Loaded. One plan for every batch, which looks rows up by key (as in 0003).
CREATE FUNCTION checkout_load(
    b smallint, moment timestamptz, oldest uuid,
    customers text[], sessions uuid[], line_customers text[], line_products text[]
) RETURNS text LANGUAGE plpgsql STABLE
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET enable_bitmapscan = off
AS $$
DECLARE
    ended json; products json; owned json; wallets json; vouchers json; coupons json; buyers json;
BEGIN
    -- What only vouchers ask for is read only where one is held.
    SELECT json_agg(f) INTO vouchers FROM (
        SELECT v.customer_id, v.voucher_id, v.coupon_id, v.expires_at
          FROM unnest(customers) AS c (customer_id)
         CROSS JOIN LATERAL (
               SELECT v.* FROM voucher v
                WHERE v.bucket = b AND v.customer_id = c.customer_id AND v.voucher_id >= oldest
                  AND v.used_by IS NULL AND v.expires_at > moment - interval '30 days'
                ORDER BY v.voucher_id DESC LIMIT 100
               ) v
    ) f;
    IF vouchers IS NOT NULL THEN
        SELECT json_agg(f) INTO coupons FROM (
            SELECT c.coupon_id, c.definition, c.status
              FROM (SELECT DISTINCT v->>'coupon_id' AS coupon_id FROM json_array_elements(vouchers) AS v) h
             CROSS JOIN LATERAL (SELECT c.* FROM coupon c WHERE c.coupon_id = h.coupon_id LIMIT 1) c
        ) f;
        SELECT json_agg(f) INTO buyers FROM (
            SELECT h.customer_id, o.found IS NULL AS first_purchase, coalesce(c.groups, '{}') AS groups
              FROM (SELECT DISTINCT v->>'customer_id' AS customer_id FROM json_array_elements(vouchers) AS v) h
              LEFT JOIN LATERAL (
                   SELECT true AS found FROM orders o WHERE o.bucket = b AND o.customer_id = h.customer_id LIMIT 1
                   ) o ON true
              LEFT JOIN LATERAL (
                   SELECT c.groups FROM customer c WHERE c.bucket = b AND c.customer_id = h.customer_id LIMIT 1
                   ) c ON true
        ) f;
    END IF;
    SELECT json_agg(e.session_id) INTO ended
      FROM unnest(customers, sessions) AS c (customer_id, session_id)
     CROSS JOIN LATERAL (
           SELECT e.session_id FROM session_end e
            WHERE e.bucket = b AND e.customer_id = c.customer_id AND e.session_id = c.session_id LIMIT 1
           ) e;
    SELECT json_agg(json_build_array(p.product_id, p.title, p.intro, p.cover_url, p.publisher, p.currency,
                                     p.list_price, p.price, p.available,
                                     CASE WHEN vouchers IS NOT NULL THEN p.attributes->>'categories' END))
      INTO products
      FROM (SELECT DISTINCT product_id FROM unnest(line_products) AS l (product_id)) l
     CROSS JOIN LATERAL (
           SELECT p.*, product_on_sale(p, moment) AS available FROM product p
            WHERE p.product_id = l.product_id LIMIT 1
           ) p;
    SELECT json_agg(json_build_array(e.customer_id, e.product_id)) INTO owned
      FROM unnest(line_customers, line_products) AS l (customer_id, product_id)
     CROSS JOIN LATERAL (
           SELECT e.customer_id, e.product_id FROM entitlement e
            WHERE e.bucket = b AND e.customer_id = l.customer_id AND e.product_id = l.product_id LIMIT 1
           ) e;
    SELECT json_agg(json_build_array(w.customer_id, w.currency, w.balance, w.seq, w.lots, w.remaining, w.next_expiry))
      INTO wallets FROM wallet w
     WHERE w.bucket = b AND w.customer_id = ANY (customers);
    RETURN json_build_object(
        'ended', coalesce(ended, '[]'), 'products', coalesce(products, '[]'), 'owned', coalesce(owned, '[]'),
        'wallets', coalesce(wallets, '[]'), 'vouchers', coalesce(vouchers, '[]'),
        'coupons', coalesce(coupons, '[]'), 'buyers', coalesce(buyers, '[]'));
END
$$;
"""


def upgrade() -> None:
    for sql in (SQL, LOAD, SAVE, CHECKOUT):
        run(sql)
