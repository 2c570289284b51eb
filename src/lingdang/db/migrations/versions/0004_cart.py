"""The tables of lingdang.cart, and the function that ticks."""

from lingdang.db.migrations.run import run

revision = "0004"
down_revision = "0003"

SQL = """
CREATE TABLE cart_item (
    bucket      smallint NOT NULL,
    customer_id text COLLATE "C" NOT NULL,
    product_id  text COLLATE "C" NOT NULL,
    ticked      boolean NOT NULL,
    added_at    timestamptz NOT NULL,
    PRIMARY KEY (bucket, customer_id, product_id)
) WITH (fillfactor = 80);

-- Who changes a customer's cart waits for whoever is changing it, until the end of the transaction.
CREATE FUNCTION cart_lock(of_bucket smallint, customer text) RETURNS void
LANGUAGE sql VOLATILE AS $$
    SELECT pg_advisory_xact_lock(hashtextextended(customer, of_bucket))
$$;

-- A customer's cart at today's prices, in no order.
CREATE FUNCTION cart_view(of_bucket smallint, customer text, at timestamptz)
RETURNS TABLE (
    product_id text, title text, currency text, list_price bigint, price bigint,
    ticked boolean, owned boolean, available boolean, added_at timestamptz
)
LANGUAGE sql STABLE AS $$
    SELECT p.product_id, p.title, p.currency, p.list_price, p.price, i.ticked,
           EXISTS (SELECT FROM entitlement e
                    WHERE e.bucket = of_bucket AND e.customer_id = customer AND e.product_id = i.product_id),
           product_on_sale(p, at), i.added_at
      FROM cart_item i JOIN product p ON p.product_id = i.product_id
     WHERE i.bucket = of_bucket AND i.customer_id = customer
$$;

-- What a checkout of the cart would be for: the ticked products that can be bought. An order has one currency,
-- so that of the product which has been in the cart the longest. No row for an empty selection.
CREATE FUNCTION cart_selected(of_bucket smallint, customer text, at timestamptz)
RETURNS TABLE (count bigint, total bigint)
LANGUAGE sql STABLE AS $$
    SELECT count(*), sum(v.price)::bigint
      FROM cart_view(of_bucket, customer, at) v
     WHERE v.ticked AND v.available AND NOT v.owned
     GROUP BY v.currency
     ORDER BY min(v.added_at), v.currency
     LIMIT 1
$$;

-- Tick or untick one product for each of several customers, none of them twice. One row for each call, in order:
-- its refusal (a problem's code) or its product and what is selected then. Products bought meanwhile leave the cart.
CREATE FUNCTION cart_tick(
    of_bucket smallint, at timestamptz, max_items integer,
    customers text[], sessions uuid[], products text[], ticks boolean[]
)
RETURNS TABLE (
    refusal text, title text, currency text, list_price bigint, price bigint, owned boolean, available boolean,
    selected_count bigint, selected_total bigint
)
LANGUAGE plpgsql VOLATILE
-- One plan for every batch: planning these statements anew takes three times as long as running them. It is made while
-- the tables may still be empty, and must be right for full ones.
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off
AS $$
BEGIN
    SET LOCAL synchronous_commit = off;  -- a lost tick costs nobody anything

    PERFORM cart_lock(of_bucket, c.customer) FROM (SELECT unnest(customers) AS customer ORDER BY 1) c;

    WITH accepted AS MATERIALIZED (
        SELECT c.customer, c.product, c.tick
          FROM unnest(customers, sessions, products, ticks) AS c (customer, session, product, tick)
         WHERE EXISTS (SELECT FROM product p WHERE p.product_id = c.product)
           AND NOT EXISTS (SELECT FROM session_end s
                            WHERE s.bucket = of_bucket AND s.customer_id = c.customer AND s.session_id = c.session)
           AND max_items > (SELECT count(*) FROM cart_item i
                             WHERE i.bucket = of_bucket AND i.customer_id = c.customer AND i.product_id <> c.product
                               AND NOT EXISTS (SELECT FROM entitlement e
                                                WHERE e.bucket = of_bucket AND e.customer_id = i.customer_id
                                                  AND e.product_id = i.product_id))
    ), bought AS (
        DELETE FROM cart_item i USING accepted a
         WHERE i.bucket = of_bucket AND i.customer_id = a.customer AND i.product_id <> a.product
           AND EXISTS (SELECT FROM entitlement e
                        WHERE e.bucket = of_bucket AND e.customer_id = i.customer_id AND e.product_id = i.product_id)
    )
    INSERT INTO cart_item AS i (bucket, customer_id, product_id, ticked, added_at)
    SELECT of_bucket, a.customer, a.product, a.tick, at FROM accepted a
    ON CONFLICT (bucket, customer_id, product_id) DO UPDATE SET ticked = excluded.ticked
     WHERE i.ticked <> excluded.ticked;

    RETURN QUERY
    SELECT CASE
               WHEN EXISTS (SELECT FROM session_end s
                             WHERE s.bucket = of_bucket AND s.customer_id = c.customer AND s.session_id = c.session)
               THEN 'unauthenticated'
               WHEN p.product_id IS NULL THEN 'not_found'
               WHEN NOT EXISTS (SELECT FROM cart_item i
                                 WHERE i.bucket = of_bucket AND i.customer_id = c.customer
                                   AND i.product_id = c.product)
               THEN 'cart_full'
           END,
           p.title, p.currency, p.list_price, p.price,
           EXISTS (SELECT FROM entitlement e
                    WHERE e.bucket = of_bucket AND e.customer_id = c.customer AND e.product_id = c.product),
           product_on_sale(p, at), coalesce(s.count, 0), coalesce(s.total, 0)
      FROM unnest(customers, sessions, products) WITH ORDINALITY AS c (customer, session, product, number)
      LEFT JOIN product p ON p.product_id = c.product
      LEFT JOIN LATERAL cart_selected(of_bucket, c.customer, at) s ON true
     ORDER BY c.number;
END
$$;
"""


def upgrade() -> None:
    run(SQL)
