-- Products by their ids, those that there are, in the order of lingdang.catalog.product.Product; `whole`: with their
-- details. The one reader of products for ticks, checkouts, payments and products' pages. Being STABLE, it sees the
-- snapshot of the statement that calls it, in which the catalogue's version is read.
CREATE OR REPLACE FUNCTION products_read(names text[], whole boolean) RETURNS json LANGUAGE plpgsql STABLE
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET enable_bitmapscan = off
AS $$
BEGIN
    RETURN coalesce((
        SELECT json_agg(json_build_array(
                   p.product_id, p.title, p.publisher, p.currency, p.list_price, p.price, p.status = 'active',
                   p.on_sale_from, p.on_sale_until,
                   CASE WHEN whole THEN json_build_array(p.intro, p.cover_url, p.attributes->>'categories',
                                                         p.attributes, p.popularity, p.created_at, p.updated_at) END))
          FROM unnest(names) AS n (product_id)
         CROSS JOIN LATERAL (
               SELECT * FROM product p WHERE p.product_id = n.product_id LIMIT 1
               ) p), '[]');
END
$$;
