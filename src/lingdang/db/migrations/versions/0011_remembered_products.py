"""A checkout reads the products that its worker does not remember, and the catalogue's version."""

from lingdang.db.migrations.run import run

revision = "0011"
down_revision = "0010"

SQL = """
DROP FUNCTION checkout_load;

-- Reads what a batch of checkouts is priced with, in one snapshot. Answers JSON in the shape of
-- lingdang.checkout.reading.Loaded. One plan for every batch, which looks rows up by key (as in 0003). As in 0010, but
-- that products are read which the worker does not remember, with the catalogue's version. Being STABLE, the function
-- sees one snapshot: what is remembered in this version is as it is here.
CREATE FUNCTION checkout_load(
    b smallint, moment timestamptz, oldest uuid,
    customers text[], sessions uuid[], line_customers text[], line_products text[], unknown text[]
) RETURNS text LANGUAGE plpgsql STABLE
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET enable_bitmapscan = off
AS $$
DECLARE
    ended json; version bigint; products json; owned json; wallets json; vouchers json; coupons json; buyers json;
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
                                     p.available AND p.on_sale_until IS NULL, p.attributes->>'categories'))
      INTO products
      FROM unnest(unknown) AS n (product_id)
     CROSS JOIN LATERAL (
           SELECT p.*, product_on_sale(p, moment) AS available FROM product p
            WHERE p.product_id = n.product_id LIMIT 1
           ) p;
    SELECT c.version INTO version FROM catalogue c WHERE c.one;
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
        'ended', coalesce(ended, '[]'), 'catalogue', version, 'products', coalesce(products, '[]'),
        'owned', coalesce(owned, '[]'),
        'wallets', coalesce(wallets, '[]'), 'vouchers', coalesce(vouchers, '[]'),
        'coupons', coalesce(coupons, '[]'), 'buyers', coalesce(buyers, '[]'));
END
$$;
"""


def upgrade() -> None:
    run(SQL)
