-- Products for many sessions. Answers a JSON array of, for each in their order: whether the session has ended, and the
-- product in the order of lingdang.catalog.reading.Row, or null when there is none.
CREATE OR REPLACE FUNCTION product_load(
    moment timestamptz, buckets smallint[], customers bigint[], sessions uuid[], products text[]
) RETURNS text LANGUAGE plpgsql STABLE
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET enable_bitmapscan = off
AS $$
BEGIN
    RETURN (
        SELECT json_agg(json_build_array(
                   EXISTS (SELECT FROM session_end e
                            WHERE e.bucket = c.bucket AND e.customer = c.customer AND e.session_id = c.session),
                   CASE WHEN p.product_id IS NOT NULL THEN json_build_array(
                       p.product_id, p.title, p.currency, p.price, p.list_price, p.publisher, p.intro, p.cover_url,
                       p.attributes, p.on_sale_from, p.on_sale_until, p.status, p.popularity,
                       product_on_sale(p, moment), p.created_at, p.updated_at) END) ORDER BY c.number)
          FROM unnest(buckets, customers, sessions, products) WITH ORDINALITY
               AS c (bucket, customer, session, product, number)
          LEFT JOIN product p ON p.product_id = c.product);
END
$$;
