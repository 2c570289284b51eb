"""Ticks and price reads of many customers in one call each, answered as JSON."""

from lingdang.db.migrations.run import run

revision = "0009"
down_revision = "0008"

TICK = """
DROP FUNCTION cart_tick;

-- Each customer's tick of one product, a customer once. Answers a JSON array of, for each in their order: the refusal
-- or null, the product in the order of lingdang.cart.ticks.Priced or null, how many are selected now, and for how much.
-- Carts are read once, after the tick: what is in them is looked up in the catalogue and among the entitlements. Only
-- where something bought is found, or a cart is full, is more asked.
CREATE FUNCTION cart_tick(
    of_bucket smallint, moment timestamptz, max_items integer,
    customers text[], sessions uuid[], products text[], ticks boolean[]
) RETURNS text LANGUAGE plpgsql VOLATILE
-- One plan for every batch, which looks rows up by key (as in 0003).
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET enable_bitmapscan = off
AS $$
DECLARE
    answers json; bought boolean;
BEGIN
    SET LOCAL synchronous_commit = off;  -- a lost tick costs nobody anything
    PERFORM cart_lock(of_bucket, c.customer) FROM (SELECT unnest(customers) AS customer ORDER BY 1) c;

    INSERT INTO cart_item AS i (bucket, customer_id, product_id, ticked, added_at)
    SELECT of_bucket, c.customer, c.product, c.tick, moment
      FROM unnest(customers, sessions, products, ticks) AS c (customer, session, product, tick)
     WHERE EXISTS (SELECT FROM product p WHERE p.product_id = c.product)
       AND NOT EXISTS (SELECT FROM session_end s
                        WHERE s.bucket = of_bucket AND s.customer_id = c.customer AND s.session_id = c.session)
       AND (max_items > (SELECT count(*) FROM cart_item o
                          WHERE o.bucket = of_bucket AND o.customer_id = c.customer AND o.product_id <> c.product)
            OR max_items > (SELECT count(*) FROM cart_item o
                             WHERE o.bucket = of_bucket AND o.customer_id = c.customer AND o.product_id <> c.product
                               AND NOT EXISTS (SELECT FROM entitlement e
                                                WHERE e.bucket = of_bucket AND e.customer_id = o.customer_id
                                                  AND e.product_id = o.product_id)))
        ON CONFLICT (bucket, customer_id, product_id) DO UPDATE SET ticked = excluded.ticked
     WHERE i.ticked <> excluded.ticked;

    SELECT json_agg(json_build_array(
               CASE WHEN EXISTS (SELECT FROM session_end e
                                  WHERE e.bucket = of_bucket AND e.customer_id = c.customer
                                    AND e.session_id = c.session) THEN 'unauthenticated'
                    WHEN p.product_id IS NULL THEN 'not_found'
                    WHEN s.held IS NOT TRUE THEN 'cart_full' END,
               CASE WHEN p.product_id IS NOT NULL THEN json_build_array(
                   p.title, p.currency, p.list_price, p.price, coalesce(s.owned, false),
                   product_on_sale(p, moment)) END,
               coalesce(s.count, 0), coalesce(s.total, 0)) ORDER BY c.number),
           bool_or(s.bought)
      INTO answers, bought
      FROM unnest(customers, sessions, products) WITH ORDINALITY AS c (customer, session, product, number)
      LEFT JOIN product p ON p.product_id = c.product
     CROSS JOIN LATERAL (
           -- One currency is selected: that of the item which is in the cart the longest.
           SELECT bool_or(g.held) AS held, bool_or(g.owned) AS owned, bool_or(g.bought) AS bought,
                  (array_agg(g.count ORDER BY g.since, g.currency) FILTER (WHERE g.count > 0))[1] AS count,
                  (array_agg(g.total ORDER BY g.since, g.currency) FILTER (WHERE g.count > 0))[1] AS total
             FROM (
                  SELECT q.currency, bool_or(i.product_id = c.product) AS held,
                         bool_or(i.product_id = c.product AND e.owned) AS owned,
                         bool_or(i.product_id <> c.product AND e.owned) AS bought,
                         count(*) FILTER (WHERE r.selected) AS count,
                         sum(q.price) FILTER (WHERE r.selected) AS total,
                         min(i.added_at) FILTER (WHERE r.selected) AS since
                    FROM cart_item i
                    JOIN product q ON q.product_id = i.product_id
                   CROSS JOIN LATERAL (
                         SELECT EXISTS (SELECT FROM entitlement e
                                         WHERE e.bucket = of_bucket AND e.customer_id = i.customer_id
                                           AND e.product_id = i.product_id) AS owned OFFSET 0
                         ) e
                   CROSS JOIN LATERAL (
                         SELECT i.ticked AND NOT e.owned AND product_on_sale(q, moment) AS selected OFFSET 0
                         ) r
                   WHERE i.bucket = of_bucket AND i.customer_id = c.customer
                   GROUP BY q.currency
                  ) g
           ) s;

    IF bought THEN
        DELETE FROM cart_item i
         USING unnest(customers, sessions, products) AS c (customer, session, product)
         WHERE i.bucket = of_bucket AND i.customer_id = c.customer AND i.product_id <> c.product
           AND EXISTS (SELECT FROM entitlement e
                        WHERE e.bucket = of_bucket AND e.customer_id = i.customer_id AND e.product_id = i.product_id)
           AND NOT EXISTS (SELECT FROM session_end s
                            WHERE s.bucket = of_bucket AND s.customer_id = c.customer AND s.session_id = c.session);
    END IF;
    RETURN answers;
END
$$;
"""

READ = """
-- Products for many sessions. Answers a JSON array of, for each in their order: whether the session has ended, and the
-- product in the order of lingdang.catalog.reading.Row, or null when there is none.
CREATE FUNCTION product_load(
    moment timestamptz, buckets smallint[], customers text[], sessions uuid[], products text[]
) RETURNS text LANGUAGE plpgsql STABLE
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET enable_bitmapscan = off
AS $$
BEGIN
    RETURN (
        SELECT json_agg(json_build_array(
                   EXISTS (SELECT FROM session_end e
                            WHERE e.bucket = c.bucket AND e.customer_id = c.customer AND e.session_id = c.session),
                   CASE WHEN p.product_id IS NOT NULL THEN json_build_array(
                       p.product_id, p.title, p.currency, p.price, p.list_price, p.publisher, p.intro, p.cover_url,
                       p.attributes, p.on_sale_from, p.on_sale_until, p.status, p.popularity,
                       product_on_sale(p, moment), p.created_at, p.updated_at) END) ORDER BY c.number)
          FROM unnest(buckets, customers, sessions, products) WITH ORDINALITY
               AS c (bucket, customer, session, product, number)
          LEFT JOIN product p ON p.product_id = c.product);
END
$$;
"""


def upgrade() -> None:
    run(TICK)
    run(READ)
