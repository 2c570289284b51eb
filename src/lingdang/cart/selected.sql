-- What a checkout of the cart would be for: the ticked products that can be bought. An order has one currency,
-- so that of the product which has been in the cart the longest. No row for an empty selection.
CREATE OR REPLACE FUNCTION cart_selected(of_bucket smallint, owner bigint, at timestamptz)
RETURNS TABLE (count bigint, total bigint)
LANGUAGE sql STABLE AS $$
    SELECT count(*), sum(v.price)::bigint
      FROM cart_view(of_bucket, owner, at) v
     WHERE v.ticked AND v.available AND NOT v.owned
     GROUP BY v.currency
     ORDER BY min(v.added_at), v.currency
     LIMIT 1
$$;
