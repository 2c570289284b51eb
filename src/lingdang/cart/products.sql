-- Products as carts show them, with the catalogue's version in the same snapshot. Answers JSON in the shape of
-- lingdang.cart.goods.Read.
CREATE OR REPLACE FUNCTION cart_products(products text[]) RETURNS text LANGUAGE plpgsql STABLE
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET enable_bitmapscan = off
AS $$
BEGIN
    RETURN (
        SELECT json_build_object('catalogue', c.version, 'goods', coalesce((
                   SELECT json_agg(json_build_array(p.product_id, p.title, p.currency, p.list_price, p.price,
                                                    p.status = 'active', p.on_sale_from, p.on_sale_until))
                     FROM unnest(products) AS n (product_id)
                    CROSS JOIN LATERAL (
                          SELECT * FROM product p WHERE p.product_id = n.product_id LIMIT 1
                          ) p), '[]'))
          FROM catalogue c WHERE c.one);
END
$$;
