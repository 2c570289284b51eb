"""Narrower rows, keys that begin with the customer, and a version of the catalogue."""

from lingdang.db.migrations.run import run

revision = "0010"
down_revision = "0009"

SQL = """
DROP VIEW entry, order_line, order_coupon, orders;
DROP FUNCTION ledger_load;
DROP FUNCTION ledger_save;
DROP FUNCTION journal_content;
DROP FUNCTION checkout_load;

-- Keys begin with the customer and end with the bucket: in a database of one bucket the first column would be compared
-- at every step of every look-up, and tell nothing.
ALTER TABLE cart_item DROP CONSTRAINT cart_item_pkey, ADD PRIMARY KEY (customer_id, product_id, bucket);
ALTER TABLE credit DROP CONSTRAINT credit_pkey, ADD PRIMARY KEY (customer_id, credit_id, bucket);
ALTER TABLE customer DROP CONSTRAINT customer_pkey, ADD PRIMARY KEY (customer_id, bucket);
ALTER TABLE password_session DROP CONSTRAINT password_session_pkey, ADD PRIMARY KEY (customer_id, session_id, bucket);
ALTER TABLE session_end DROP CONSTRAINT session_end_pkey, ADD PRIMARY KEY (customer_id, session_id, bucket);
ALTER TABLE voucher DROP CONSTRAINT voucher_pkey, ADD PRIMARY KEY (customer_id, voucher_id, bucket);
DROP INDEX seal_of_wallet;
CREATE UNIQUE INDEX seal_of_wallet ON seal (customer_id, currency, last_seq, bucket);

-- As in 0003. What a payment changes stands together at the end: an update logs only what lies between the first and
-- the last changed byte.
ALTER TABLE wallet RENAME TO wallet_0009;
ALTER TABLE wallet_0009 RENAME CONSTRAINT wallet_pkey TO wallet_0009_pkey;
ALTER INDEX wallet_next_expiry RENAME TO wallet_0009_next_expiry;
CREATE TABLE wallet (
    next_expiry timestamptz,
    bucket      smallint NOT NULL,
    customer_id text COLLATE "C" NOT NULL,
    currency    text COLLATE "C" NOT NULL,
    lots        text[] NOT NULL,
    remaining   bigint[] NOT NULL,
    balance     bigint NOT NULL,
    seq         bigint NOT NULL,
    PRIMARY KEY (customer_id, currency, bucket),
    CONSTRAINT wallet_is_its_lots CHECK (
        balance >= 0 AND cardinality(lots) = cardinality(remaining) AND balance = total(remaining)
        AND 0 < ALL (remaining)
    )
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.05);
INSERT INTO wallet (next_expiry, bucket, customer_id, currency, lots, remaining, balance, seq)
SELECT next_expiry, bucket, customer_id, currency, lots, remaining, balance, seq
  FROM wallet_0009 ORDER BY customer_id, currency;
DROP TABLE wallet_0009;
CREATE INDEX wallet_next_expiry ON wallet (next_expiry) WHERE next_expiry IS NOT NULL;

-- The journal, as in 0007, without what follows from the rest: a payment's subtotal is its discount less its amount;
-- no discount and no vouchers are NULL; accounts are JSON, which takes 12 bytes less for each than an array. The
-- constraints are few and short, because every statement reads the text of each of them anew.
ALTER TABLE transfer RENAME TO transfer_0009;
ALTER TABLE transfer_0009 RENAME CONSTRAINT transfer_pkey TO transfer_0009_pkey;
ALTER INDEX transfer_order RENAME TO transfer_0009_order;
CREATE TABLE transfer (
    amount      bigint NOT NULL,
    balance     bigint NOT NULL,
    at          timestamptz NOT NULL,
    discount    bigint,
    seq         integer NOT NULL,
    bucket      smallint NOT NULL,
    customer_id text COLLATE "C" NOT NULL,
    currency    text COLLATE "C" NOT NULL,
    kind        text NOT NULL,
    amounts     bigint[] NOT NULL,
    accounts    json NOT NULL,
    reference   text,
    order_id    uuid,
    lines       json,
    coupons     json,
    CONSTRAINT transfer_sums_to_zero CHECK (
        json_array_length(accounts) = cardinality(amounts) AND total(amounts) = 0
    ),
    CONSTRAINT transfer_names_its_cause CHECK (
        num_nulls(reference, order_id) = 1 AND num_nulls(order_id, lines) <> 1
        AND (order_id IS NULL) = (kind <> 'payment')
    )
);
INSERT INTO transfer (amount, balance, at, discount, seq, bucket, customer_id, currency, kind, amounts, accounts,
                      reference, order_id, lines, coupons)
SELECT amount, balance, at, nullif(discount, 0), seq, bucket, customer_id, currency, kind, amounts, to_json(accounts),
       reference, order_id, lines, CASE WHEN json_array_length(coupons) > 0 THEN coupons END
  FROM transfer_0009 ORDER BY at;
DROP TABLE transfer_0009;
ALTER TABLE transfer ADD PRIMARY KEY (customer_id, currency, seq, bucket);
-- An order's id begins with its time: what is new stands at the end of this index, in few pages.
CREATE UNIQUE INDEX transfer_order ON transfer (order_id, bucket) WHERE order_id IS NOT NULL;

-- When a right was granted stands in the journal, with its order.
ALTER TABLE entitlement RENAME TO entitlement_0009;
ALTER TABLE entitlement_0009 RENAME CONSTRAINT entitlement_pkey TO entitlement_0009_pkey;
CREATE TABLE entitlement (
    bucket      smallint NOT NULL,
    customer_id text COLLATE "C" NOT NULL,
    product_id  text COLLATE "C" NOT NULL,
    order_id    uuid NOT NULL
);
INSERT INTO entitlement SELECT bucket, customer_id, product_id, order_id FROM entitlement_0009 ORDER BY granted_at;
DROP TABLE entitlement_0009;
ALTER TABLE entitlement ADD PRIMARY KEY (customer_id, product_id, bucket);

-- The journal read leg by leg.
CREATE VIEW entry AS
    SELECT t.bucket, t.customer_id, t.currency, t.seq, leg.ordinality AS leg, t.kind,
           coalesce(t.reference, t.order_id::text) AS reference, t.at, leg.account, leg.amount
      FROM transfer t,
           ROWS FROM (json_array_elements_text(t.accounts), unnest(t.amounts)) WITH ORDINALITY AS leg (account, amount);
-- Orders as paid, and their lines and vouchers by name.
CREATE VIEW orders AS
    SELECT bucket, customer_id, order_id, currency, seq, coalesce(discount, 0) - amount AS subtotal,
           coalesce(discount, 0) AS discount, -amount AS total, balance, at AS paid_at, lines,
           coalesce(coupons, '[]') AS coupons
      FROM transfer WHERE order_id IS NOT NULL;
CREATE VIEW order_line AS
    SELECT o.bucket, o.customer_id, o.order_id, n AS line, l->>0 AS product_id, l->>1 AS title, l->>2 AS publisher,
           (l->>3)::bigint AS list_price, (l->>4)::bigint AS price, (l->>5)::bigint AS discount,
           (l->>6)::bigint AS payable
      FROM orders o, json_array_elements(o.lines) WITH ORDINALITY AS e (l, n);
CREATE VIEW order_coupon AS
    SELECT o.bucket, o.customer_id, o.order_id, n AS coupon, (c->>0)::uuid AS voucher_id, (c->>1)::bigint AS saves
      FROM orders o, json_array_elements(o.coupons) WITH ORDINALITY AS e (c, n);

-- Counts the transactions that changed a product, so that a worker knows whether what it knows of them still holds.
CREATE TABLE catalogue (
    one     boolean PRIMARY KEY DEFAULT true CHECK (one),
    version bigint NOT NULL DEFAULT 0
) WITH (fillfactor = 10);
INSERT INTO catalogue DEFAULT VALUES;
CREATE FUNCTION catalogue_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    -- The last lock of the statement that wrote: whoever waits for it holds nothing that its holder still needs.
    UPDATE catalogue SET version = version + 1;
    RETURN NULL;
END
$$;
CREATE TRIGGER product_changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON product
    FOR EACH STATEMENT EXECUTE FUNCTION catalogue_changed();
"""

LOAD = """
-- Locks the customers of a batch, in one order everywhere, then reads, in statements of their own, what others had
-- committed. The lock is an advisory one: it writes nothing, and holds for a customer without a wallet too.
-- Answers JSON in the shape of lingdang.ledger.store.Loaded. Facts are given only where they are out of the ordinary;
-- products are asked about that are not known to be on sale in the catalogue's version, which is answered.
CREATE FUNCTION ledger_load(
    b smallint, moment timestamptz, customers text[],
    pay_customers text[], pay_orders uuid[], pay_sessions uuid[],
    line_customers text[], line_products text[], products text[],
    credit_customers text[], credit_ids text[],
    voucher_customers text[], voucher_ids uuid[]
) RETURNS text LANGUAGE plpgsql SET lock_timeout = '3s'
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET enable_bitmapscan = off
AS $$
DECLARE
    wallets json; ended json; orders_found json; credits_found json; owned json; version bigint; listed json;
    unusable json;
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
        'wallets', coalesce(wallets, '[]'), 'ended', coalesce(ended, '[]'), 'orders', coalesce(orders_found, '[]'),
        'credits', coalesce(credits_found, '[]'), 'owned', coalesce(owned, '[]'), 'catalogue', version,
        'listed', coalesce(listed, '[]'), 'unusable', coalesce(unusable, '[]'));
END
$$;
"""

SAVE = """
-- Writes what a batch changed. Arrays come as text where a row's column is itself an array or JSON.
-- The customers were locked by ledger_load: each wallet is where it was found and as it was left. A count that is off
-- means that something else has written, and nothing is written here.
CREATE FUNCTION ledger_save(
    b smallint, moment timestamptz,
    w_customer text[], w_currency text[], w_balance bigint[], w_seq bigint[], w_lots text[], w_remaining text[],
    w_expiry timestamptz[], w_place tid[], w_before bigint[],
    t_customer text[], t_currency text[], t_seq bigint[], t_kind text[], t_reference text[], t_amount bigint[],
    t_balance bigint[], t_accounts text[], t_amounts text[],
    t_order uuid[], t_discount bigint[], t_lines text[], t_coupons text[],
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
    INSERT INTO transfer (amount, balance, at, discount, seq, bucket, customer_id, currency, kind, amounts, accounts,
                          reference, order_id, lines, coupons)
    SELECT n.amount, n.balance, moment, n.discount, n.seq, b, n.customer, n.currency, n.kind, n.amounts::bigint[],
           n.accounts::json, n.reference, n.id, n.lines::json, n.coupons::json
      FROM unnest(t_customer, t_currency, t_seq, t_kind, t_reference, t_amount, t_balance, t_accounts, t_amounts,
                  t_order, t_discount, t_lines, t_coupons)
           AS n (customer, currency, seq, kind, reference, amount, balance, accounts, amounts,
                 id, discount, lines, coupons);
    INSERT INTO entitlement (bucket, customer_id, product_id, order_id)
    SELECT b, n.customer, n.product, n.id
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
-- lingdang.checkout.reading.Loaded. One plan for every batch, which looks rows up by key (as in 0003). As in 0007, but
-- that whoever has bought is told by what they own: the journal would be read past all credits.
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
                   SELECT true AS found FROM entitlement e WHERE e.bucket = b AND e.customer_id = h.customer_id LIMIT 1
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


CONTENT = """
-- As in 0008: the text that is sealed of a transfer is the same to the byte, made from the narrower rows.
CREATE FUNCTION journal_content(
    buckets smallint[], customers text[], currencies text[], after bigint[], at_most integer
) RETURNS TABLE (
    bucket smallint, customer_id text, currency text, seq bigint, kind text, reference text, amount bigint,
    balance bigint, at text, moment timestamptz, accounts json, amounts bigint[], record text, digest bytea
) LANGUAGE plpgsql STABLE
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET enable_bitmapscan = off
AS $$
BEGIN
    RETURN QUERY
    SELECT t.bucket, t.customer_id, t.currency, t.seq::bigint, t.kind, t.cause, t.amount, t.balance, t.moment, t.at,
           t.accounts, t.amounts, r.record,
           sha256(convert_to(jsonb_build_array(
               'lingdang-journal-1', t.customer_id, t.currency, t.seq, t.kind, t.cause, t.amount, t.balance,
               t.moment, t.accounts, t.amounts, r.record)::text, 'UTF8'))
      FROM unnest(buckets, customers, currencies, after) WITH ORDINALITY
           AS k (bucket, customer_id, currency, after, place)
     CROSS JOIN LATERAL (
           SELECT t.*, journal_moment(t.at) AS moment, coalesce(t.reference, t.order_id::text) AS cause
              FROM transfer t
            WHERE t.bucket = k.bucket AND t.customer_id = k.customer_id AND t.currency = k.currency AND t.seq > k.after
            ORDER BY t.seq LIMIT at_most
           ) t
      LEFT JOIN LATERAL (
           -- What was paid: the order as it stands in the journal, with the entitlements of its lines.
           SELECT jsonb_build_array(
                      'order', t.reference, t.order_id, coalesce(t.discount, 0) - t.amount, coalesce(t.discount, 0),
                      t.lines::text, coalesce(t.coupons::text, '[]'), (
                      SELECT jsonb_agg(jsonb_build_array(e.product_id, e.order_id, t.moment) ORDER BY e.product_id)
                        FROM json_array_elements(
                             CASE json_typeof(t.lines) WHEN 'array' THEN t.lines ELSE '[]' END) AS l
                       CROSS JOIN LATERAL (
                             SELECT * FROM entitlement e
                              WHERE e.bucket = t.bucket AND e.customer_id = t.customer_id
                                AND e.product_id = l->>0 LIMIT 1
                             ) e))::text AS text
            WHERE num_nonnulls(t.order_id, t.discount, t.lines, t.coupons) > 0
           ) o ON true
      LEFT JOIN LATERAL (
           SELECT jsonb_build_array(
                      'credit', c.customer_id, c.credit_id, c.currency, c.seq, c.amount, c.kind,
                      journal_moment(c.expires_at), c.reason, c.balance, journal_moment(c.credited_at))::text AS text
             FROM credit c
            WHERE t.kind = 'credit' AND c.bucket = t.bucket AND c.customer_id = t.customer_id
              AND c.credit_id = t.reference
            LIMIT 1
           ) c ON true
     CROSS JOIN LATERAL (
           SELECT encode(sha256(convert_to(coalesce(o.text, c.text), 'UTF8')), 'hex') AS record OFFSET 0
           ) r
     ORDER BY k.place, t.seq;
END
$$;
"""


def upgrade() -> None:
    for sql in (SQL, LOAD, SAVE, CHECKOUT, CONTENT):
        run(sql)
