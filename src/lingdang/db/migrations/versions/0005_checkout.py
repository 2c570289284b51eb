"""The reading function of lingdang.checkout."""

from lingdang.db.migrations.run import run

revision = "0005"
down_revision = "0004"

SQL = """
-- Reads what a batch of checkouts is priced with, in one snapshot. Answers JSON in the shape of
-- lingdang.checkout.reading.Loaded. One plan for every batch, which looks rows up by key (as in 0003).
CREATE FUNCTION checkout_load(
    b smallint, moment timestamptz, customers text[], sessions uuid[], line_customers text[], line_products text[]
) RETURNS text LANGUAGE plpgsql STABLE
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET enable_bitmapscan = off
AS $$
DECLARE
    ended json; products json; owned json; wallets json;
BEGIN
    SELECT json_agg(e.session_id) INTO ended
      FROM unnest(customers, sessions) AS c (customer_id, session_id)
     CROSS JOIN LATERAL (
           SELECT e.session_id FROM session_end e
            WHERE e.bucket = b AND e.customer_id = c.customer_id AND e.session_id = c.session_id LIMIT 1
           ) e;
    SELECT json_agg(f) INTO products FROM (
        SELECT p.product_id, p.title, p.intro, p.cover_url, p.publisher, p.currency, p.list_price, p.price,
               p.available
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
        'wallets', coalesce(wallets, '[]'));
END
$$;
"""


def upgrade() -> None:
    run(SQL)
