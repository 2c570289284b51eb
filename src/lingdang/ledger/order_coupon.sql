-- The vouchers that orders used up.
CREATE OR REPLACE VIEW order_coupon AS
    SELECT o.bucket, o.customer_id, o.order_id, n AS coupon, (c->>0)::uuid AS voucher_id, (c->>1)::bigint AS saves
      FROM orders o, json_array_elements(o.coupons) WITH ORDINALITY AS e (c, n);
