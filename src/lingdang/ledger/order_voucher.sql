-- The vouchers that orders used up.
CREATE OR REPLACE VIEW order_voucher AS
    SELECT o.bucket, o.customer, o.order_id, n AS voucher, (v->>0)::uuid AS voucher_id, (v->>1)::bigint AS saves
      FROM orders o, json_array_elements(o.vouchers) WITH ORDINALITY AS e (v, n);
