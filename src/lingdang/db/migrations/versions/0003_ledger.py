"""The tables of lingdang.ledger, and its two functions: load and save."""

from lingdang.db.migrations.run import run

revision = "0003"
down_revision = "0002"

SQL = """
CREATE FUNCTION total(amounts bigint[]) RETURNS bigint
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE STRICT AS $$
DECLARE
    amount bigint;
    result bigint := 0;
BEGIN
    FOREACH amount IN ARRAY amounts LOOP
        result := result + amount;
    END LOOP;
    RETURN result;
END
$$;

-- A customer's bells of one currency, with the lots they lie in. A lot is named by what it holds:
-- 'paid', 'bonus', or either with the moment it expires, 'bonus@2026-12-31T00:00:00.000Z'.
CREATE TABLE wallet (
    bucket      smallint NOT NULL,
    customer_id text COLLATE "C" NOT NULL,
    currency    text COLLATE "C" NOT NULL,
    balance     bigint NOT NULL CHECK (balance >= 0),
    seq         bigint NOT NULL,
    lots        text[] NOT NULL,
    remaining   bigint[] NOT NULL,
    next_expiry timestamptz,
    PRIMARY KEY (bucket, customer_id, currency),
    CONSTRAINT wallet_is_its_lots CHECK (
        cardinality(lots) = cardinality(remaining) AND balance = total(remaining) AND 0 < ALL (remaining)
    )
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.05);
CREATE INDEX wallet_next_expiry ON wallet (next_expiry) WHERE next_expiry IS NOT NULL;

-- The journal: one row a transfer, its legs in two arrays of one length that sum to zero.
-- Never updated, never deleted. `seq` counts a wallet's transfers from 1 without a gap.
CREATE TABLE transfer (
    bucket      smallint NOT NULL,
    customer_id text COLLATE "C" NOT NULL,
    currency    text COLLATE "C" NOT NULL,
    seq         bigint NOT NULL,
    kind        text NOT NULL,
    reference   text NOT NULL,
    amount      bigint NOT NULL,
    balance     bigint NOT NULL CHECK (balance >= 0),
    at          timestamptz NOT NULL,
    accounts    text[] NOT NULL,
    amounts     bigint[] NOT NULL,
    PRIMARY KEY (bucket, customer_id, currency, seq),
    CONSTRAINT transfer_sums_to_zero CHECK (
        cardinality(accounts) = cardinality(amounts) AND total(amounts) = 0
    )
);
-- The journal read leg by leg.
CREATE VIEW entry AS
    SELECT t.bucket, t.customer_id, t.currency, t.seq, leg.ordinality AS leg, t.kind, t.reference, t.at,
           leg.account, leg.amount
      FROM transfer t, unnest(t.accounts, t.amounts) WITH ORDINALITY AS leg (account, amount);

-- Orders as paid; `lines` and `coupons` stand as the customer was offered them.
CREATE TABLE orders (
    bucket      smallint NOT NULL,
    customer_id text COLLATE "C" NOT NULL,
    order_id    uuid NOT NULL,
    currency    text COLLATE "C" NOT NULL,
    seq         bigint NOT NULL,
    subtotal    bigint NOT NULL CHECK (subtotal >= 0),
    discount    bigint NOT NULL CHECK (discount >= 0),
    total       bigint NOT NULL CHECK (total >= 0),
    balance     bigint NOT NULL CHECK (balance >= 0),
    paid_at     timestamptz NOT NULL,
    lines       jsonb NOT NULL,
    coupons     jsonb NOT NULL,
    PRIMARY KEY (bucket, customer_id, order_id),
    CONSTRAINT order_adds_up CHECK (total = subtotal - discount)
);

-- Credits as booked, each once by the id its sender gave it.
CREATE TABLE credit (
    bucket      smallint NOT NULL,
    customer_id text COLLATE "C" NOT NULL,
    credit_id   text COLLATE "C" NOT NULL,
    currency    text COLLATE "C" NOT NULL,
    seq         bigint NOT NULL,
    amount      bigint NOT NULL CHECK (amount > 0),
    kind        text NOT NULL CHECK (kind IN ('paid', 'bonus')),
    expires_at  timestamptz,
    reason      text NOT NULL,
    balance     bigint NOT NULL CHECK (balance >= 0),
    credited_at timestamptz NOT NULL,
    PRIMARY KEY (bucket, customer_id, credit_id)
);

-- Who may read what, and by which order.
CREATE TABLE entitlement (
    bucket      smallint NOT NULL,
    customer_id text COLLATE "C" NOT NULL,
    product_id  text COLLATE "C" NOT NULL,
    order_id    uuid NOT NULL,
    granted_at  timestamptz NOT NULL,
    PRIMARY KEY (bucket, customer_id, product_id)
);
"""

# One plan for every batch, because planning anew costs more than a small batch. That plan was perhaps made while a
# table was empty, when the planner finds it cheapest to read all of it: LATERAL with LIMIT leaves it no choice but
# to look each row up by its whole key, and an update finds its rows by the place that such a look-up gave.
LOAD = """
-- Locks the wallets of a batch in key order, then reads, in statements of their own, what others committed before.
-- Answers JSON in the shape of lingdang.ledger.store.Loaded. Facts are given only where they are out of the ordinary.
CREATE FUNCTION ledger_load(
    b smallint, moment timestamptz, customers text[],
    pay_customers text[], pay_orders uuid[], pay_sessions uuid[],
    line_customers text[], line_products text[],
    credit_customers text[], credit_ids text[]
) RETURNS text LANGUAGE plpgsql SET lock_timeout = '1s'
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET enable_bitmapscan = off
AS $$
DECLARE
    wallets json; ended json; orders_found json; credits_found json; owned json; unavailable json;
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
    RETURN json_build_object(
        'wallets', coalesce(wallets, '[]'), 'ended', coalesce(ended, '[]'), 'orders', coalesce(orders_found, '[]'),
        'credits', coalesce(credits_found, '[]'), 'owned', coalesce(owned, '[]'),
        'unavailable', coalesce(unavailable, '[]'));
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
    c_expires timestamptz[], c_reason text[], c_balance bigint[]
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
    run(SQL)
    run(LOAD)
    run(SAVE)
