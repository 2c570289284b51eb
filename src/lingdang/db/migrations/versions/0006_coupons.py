"""The tables of lingdang.coupons, claiming, and vouchers in the ledger's and the checkout's functions."""

from lingdang.db.migrations.run import run

revision = "0006"
down_revision = "0005"

SQL = """
-- What the platform declares about a customer; conditions of vouchers name them.
ALTER TABLE customer ADD COLUMN groups text[] NOT NULL DEFAULT '{}';

-- Definitions: a small shared table. `definition` is a lingdang.coupons.model.Definition; the columns beside it are
-- what claiming decides on. `claimed` counts the vouchers handed out, and its row is locked only while one is.
CREATE TABLE coupon (
    coupon_id    text COLLATE "C" PRIMARY KEY,
    definition   jsonb NOT NULL,
    status       text NOT NULL CHECK (status IN ('active', 'paused', 'withdrawn')),
    code         text COLLATE "C" UNIQUE,
    total_limit  bigint CHECK (total_limit >= 0),
    per_customer integer NOT NULL CHECK (per_customer >= 1),
    valid_from   timestamptz,
    valid_until  timestamptz,
    valid_days   integer CHECK (valid_days BETWEEN 1 AND 1096),
    first_purchase boolean GENERATED ALWAYS AS (
                 coalesce((definition->'conditions'->>'firstPurchase')::boolean, false)) STORED,
    claimed      bigint NOT NULL DEFAULT 0,
    created_at   timestamptz NOT NULL,
    updated_at   timestamptz NOT NULL,
    CONSTRAINT coupon_within_its_limit CHECK (claimed >= 0 AND (total_limit IS NULL OR claimed <= total_limit))
) WITH (fillfactor = 50);

-- One-time codes, each good for one voucher, kept as their SHA-256: they are random and long enough (80 bits) that
-- nobody finds one from its hash.
CREATE TABLE coupon_code (
    code_hash  bytea PRIMARY KEY CHECK (octet_length(code_hash) = 32),
    coupon_id  text COLLATE "C" NOT NULL REFERENCES coupon,
    claimed_by text COLLATE "C",
    voucher_id uuid,
    CHECK ((claimed_by IS NULL) = (voucher_id IS NULL))
);

-- Vouchers in customers' hands. A payment touches only its customer's, and changes no indexed column: its update stays
-- within the page. None is good for longer than three years, so what a checkout looks through has an end.
CREATE TABLE voucher (
    bucket      smallint NOT NULL,
    customer_id text COLLATE "C" NOT NULL,
    voucher_id  uuid NOT NULL,
    coupon_id   text COLLATE "C" NOT NULL,
    claimed_at  timestamptz NOT NULL,
    expires_at  timestamptz NOT NULL,
    used_by     uuid,
    used_at     timestamptz,
    saved       bigint,
    PRIMARY KEY (bucket, customer_id, voucher_id),
    CONSTRAINT voucher_use CHECK ((used_by IS NULL) = (used_at IS NULL) AND (used_by IS NULL) = (saved IS NULL))
) WITH (fillfactor = 80);

-- Hand one voucher of a coupon to a customer: by its public code, by a one-time code (its hash), or by name alone (a
-- grant). The customer's lock orders their own claims, the definition's row those of all: limits are exact. That row
-- is locked last, after a look without a lock has turned away whoever comes too late.
-- `granting`: a customer who holds or held one is answered with it, so that a repeated grant adds nothing.
CREATE FUNCTION voucher_claim(
    b smallint, customer text, moment timestamptz, fresh uuid, public_code text, hash bytea, named text,
    granting boolean
) RETURNS TABLE (refusal text, claimed_voucher uuid, is_new boolean)
LANGUAGE plpgsql AS $$
DECLARE
    c coupon;
    one_time coupon_code;
    held uuid;
    count_held bigint;
BEGIN
    SELECT * INTO c FROM coupon k WHERE k.code = public_code OR k.coupon_id = named;
    IF c.coupon_id IS NULL AND hash IS NOT NULL THEN
        SELECT * INTO one_time FROM coupon_code o WHERE o.code_hash = hash;
        SELECT * INTO c FROM coupon k WHERE k.coupon_id = one_time.coupon_id;
    END IF;
    IF c.coupon_id IS NULL THEN
        RETURN QUERY SELECT 'unknown_code', NULL::uuid, false;
        RETURN;
    END IF;
    IF one_time.claimed_by IS NOT NULL THEN
        RETURN QUERY SELECT CASE WHEN one_time.claimed_by <> customer THEN 'code_used' END, one_time.voucher_id, false;
        RETURN;
    END IF;
    IF NOT granting THEN
        refusal := CASE WHEN c.status <> 'active' THEN c.status
                        WHEN moment < c.valid_from THEN 'not_started'
                        WHEN moment >= c.valid_until THEN 'expired'
                        WHEN c.claimed >= c.total_limit THEN 'sold_out' END;
        IF refusal IS NOT NULL THEN
            RETURN NEXT;
            RETURN;
        END IF;
    END IF;
    PERFORM pg_advisory_xact_lock(hashtextextended('voucher ' || customer, b));
    IF one_time.code_hash IS NOT NULL THEN
        SELECT * INTO one_time FROM coupon_code o WHERE o.code_hash = hash FOR UPDATE;
        IF one_time.claimed_by IS NOT NULL THEN
            RETURN QUERY
            SELECT CASE WHEN one_time.claimed_by <> customer THEN 'code_used' END, one_time.voucher_id, false;
            RETURN;
        END IF;
    END IF;
    SELECT count(*), (array_agg(v.voucher_id ORDER BY v.voucher_id DESC))[1] INTO count_held, held
      FROM voucher v WHERE v.bucket = b AND v.customer_id = customer AND v.coupon_id = c.coupon_id;
    IF granting AND held IS NOT NULL THEN
        RETURN QUERY SELECT NULL::text, held, false;
        RETURN;
    END IF;
    IF count_held >= c.per_customer THEN
        RETURN QUERY SELECT 'limit_reached', held, false;
        RETURN;
    END IF;
    UPDATE coupon k SET claimed = k.claimed + 1
     WHERE k.coupon_id = c.coupon_id AND k.status = 'active'
       AND (k.total_limit IS NULL OR k.claimed < k.total_limit)
       AND (k.valid_until IS NULL OR k.valid_until > moment)
    RETURNING k.* INTO c;
    IF c.coupon_id IS NULL THEN
        SELECT CASE WHEN k.status <> 'active' THEN k.status
                    WHEN moment >= k.valid_until THEN 'expired'
                    ELSE 'sold_out' END
          INTO refusal FROM coupon k WHERE k.code = public_code OR k.coupon_id = coalesce(named, one_time.coupon_id);
        RETURN NEXT;
        RETURN;
    END IF;
    INSERT INTO voucher (bucket, customer_id, voucher_id, coupon_id, claimed_at, expires_at)
    VALUES (b, customer, fresh, c.coupon_id, moment,
            least(c.valid_until, moment + make_interval(days => coalesce(c.valid_days, 1096))));
    IF one_time.code_hash IS NOT NULL THEN
        UPDATE coupon_code o SET claimed_by = customer, voucher_id = fresh WHERE o.code_hash = hash;
    END IF;
    RETURN QUERY SELECT NULL::text, fresh, true;
END
$$;

DROP FUNCTION ledger_load;
DROP FUNCTION ledger_save;
DROP FUNCTION checkout_load;
"""

# As 0003, with vouchers.
LOAD = """
-- Locks the wallets of a batch in key order, then reads, in statements of their own, what others committed before.
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
    SELECT json_agg(w) INTO wallets FROM (
        SELECT customer_id, currency, balance, seq, lots, remaining, next_expiry
          FROM wallet
         WHERE bucket = b AND customer_id = ANY (customers)
         ORDER BY customer_id, currency
           FOR NO KEY UPDATE
    ) w;
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
-- The wallets were locked by ledger_load; a count that is off means that they were not, and nothing is written.
CREATE FUNCTION ledger_save(
    b smallint, moment timestamptz,
    w_customer text[], w_currency text[], w_balance bigint[], w_seq bigint[], w_lots text[], w_remaining text[],
    w_expiry timestamptz[], w_new boolean[],
    t_customer text[], t_currency text[], t_seq bigint[], t_kind text[], t_reference text[], t_amount bigint[],
    t_balance bigint[], t_accounts text[], t_amounts text[],
    o_customer text[], o_order uuid[], o_currency text[], o_seq bigint[], o_subtotal bigint[], o_discount bigint[],
    o_total bigint[], o_balance bigint[], o_lines text[], o_coupons text[],
    e_customer text[], e_product text[], e_order uuid[],
    c_customer text[], c_credit text[], c_currency text[], c_seq bigint[], c_amount bigint[], c_kind text[],
    c_expires timestamptz[], c_reason text[], c_balance bigint[],
    v_customer text[], v_id uuid[], v_order uuid[], v_saved bigint[]
) RETURNS void LANGUAGE plpgsql
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
      FROM (
           SELECT n.*, o.place
             FROM unnest(w_customer, w_currency, w_balance, w_seq, w_lots, w_remaining, w_expiry, w_new)
                  AS n (customer_id, currency, balance, seq, lots, remaining, expiry, fresh)
            CROSS JOIN LATERAL (
                  SELECT o.ctid AS place FROM wallet o
                   WHERE o.bucket = b AND o.customer_id = n.customer_id AND o.currency = n.currency LIMIT 1
                  ) o
            WHERE NOT n.fresh
           ) n
     WHERE w.ctid = n.place AND w.seq < n.seq;
    GET DIAGNOSTICS written = ROW_COUNT;
    IF true = ANY (w_new) THEN
        INSERT INTO wallet (bucket, customer_id, currency, balance, seq, lots, remaining, next_expiry)
        SELECT b, n.customer_id, n.currency, n.balance, n.seq, n.lots::text[], n.remaining::bigint[], n.expiry
          FROM unnest(w_customer, w_currency, w_balance, w_seq, w_lots, w_remaining, w_expiry, w_new)
               AS n (customer_id, currency, balance, seq, lots, remaining, expiry, fresh)
         WHERE n.fresh
         ORDER BY n.customer_id, n.currency;
        GET DIAGNOSTICS inserted = ROW_COUNT;
    END IF;
    IF written + inserted <> cardinality(w_customer) THEN
        RAISE EXCEPTION 'ledger_save: % of % wallets written', written + inserted, cardinality(w_customer);
    END IF;
    INSERT INTO transfer (bucket, customer_id, currency, seq, kind, reference, amount, balance, at, accounts, amounts)
    SELECT b, n.customer, n.currency, n.seq, n.kind, n.reference, n.amount, n.balance, moment,
           n.accounts::text[], n.amounts::bigint[]
      FROM unnest(t_customer, t_currency, t_seq, t_kind, t_reference, t_amount, t_balance, t_accounts, t_amounts)
           AS n (customer, currency, seq, kind, reference, amount, balance, accounts, amounts);
    IF cardinality(o_order) > 0 THEN
        INSERT INTO orders (bucket, customer_id, order_id, currency, seq, subtotal, discount, total, balance,
                            paid_at, lines, coupons)
        SELECT b, n.customer, n.id, n.currency, n.seq, n.subtotal, n.discount, n.total, n.balance, moment,
               n.lines::jsonb, n.coupons::jsonb
          FROM unnest(o_customer, o_order, o_currency, o_seq, o_subtotal, o_discount, o_total, o_balance, o_lines,
                      o_coupons)
               AS n (customer, id, currency, seq, subtotal, discount, total, balance, lines, coupons);
        INSERT INTO entitlement (bucket, customer_id, product_id, order_id, granted_at)
        SELECT b, n.customer, n.product, n.id, moment
          FROM unnest(e_customer, e_product, e_order) AS n (customer, product, id);
    END IF;
    IF cardinality(v_id) > 0 THEN
        -- A customer without a wallet holds no lock: whoever finds a voucher used meanwhile is decided again.
        UPDATE voucher v SET used_by = n.used_by, used_at = moment, saved = n.saved
          FROM (
               SELECT n.used_by, n.saved, o.place
                 FROM unnest(v_customer, v_id, v_order, v_saved) AS n (customer_id, voucher_id, used_by, saved)
                CROSS JOIN LATERAL (
                      SELECT o.ctid AS place FROM voucher o
                       WHERE o.bucket = b AND o.customer_id = n.customer_id AND o.voucher_id = n.voucher_id LIMIT 1
                      ) o
               ) n
         WHERE v.ctid = n.place AND v.used_by IS NULL;
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

# As 0005, with vouchers.
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
    SELECT json_agg(f) INTO products FROM (
        SELECT p.product_id, p.title, p.intro, p.cover_url, p.publisher, p.currency, p.list_price, p.price,
               p.available,
               CASE WHEN vouchers IS NOT NULL THEN p.attributes->>'categories' END AS categories
          FROM (SELECT DISTINCT product_id FROM unnest(line_products) AS l (product_id)) l
         CROSS JOIN LATERAL (
               SELECT p.*, product_on_sale(p, moment) AS available FROM product p
                WHERE p.product_id = l.product_id LIMIT 1
               ) p
    ) f;
    SELECT json_agg(json_build_array(e.customer_id, e.product_id)) INTO owned
      FROM unnest(line_customers, line_products) AS l (customer_id, product_id)
     CROSS JOIN LATERAL (
           SELECT e.customer_id, e.product_id FROM entitlement e
            WHERE e.bucket = b AND e.customer_id = l.customer_id AND e.product_id = l.product_id LIMIT 1
           ) e;
    SELECT json_agg(f) INTO wallets FROM (
        SELECT w.customer_id, w.currency, w.balance, w.seq, w.lots, w.remaining, w.next_expiry
          FROM wallet w
         WHERE w.bucket = b AND w.customer_id = ANY (customers)
    ) f;
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
