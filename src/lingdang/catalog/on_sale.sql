-- On sale at a moment, for lists, which filter by it. Everybody else asks lingdang.catalog.product.on_sale, which says
-- the same (tests/catalog/test_product.py).
CREATE OR REPLACE FUNCTION product_on_sale(p product, at timestamptz) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT p.status = 'active'
       AND (p.on_sale_from IS NULL OR p.on_sale_from <= at)
       AND (p.on_sale_until IS NULL OR at < p.on_sale_until)
$$;
