-- A customer's cart at today's prices, in no order.
CREATE OR REPLACE FUNCTION cart_view(of_bucket smallint, owner bigint, at timestamptz)
RETURNS TABLE (
    product_id text, title text, currency text, list_price bigint, price bigint,
    ticked boolean, owned boolean, available boolean, added_at timestamptz
)
LANGUAGE sql STABLE AS $$
    SELECT p.product_id, p.title, p.currency, p.list_price, p.price, i.ticked,
           EXISTS (SELECT FROM entitlement e
                    WHERE e.bucket = of_bucket AND e.customer = owner AND e.product_id = i.product_id),
           product_on_sale(p, at), i.added_at
      FROM cart_item i JOIN product p ON p.product_id = i.product_id
     WHERE i.bucket = of_bucket AND i.customer = owner
$$;
