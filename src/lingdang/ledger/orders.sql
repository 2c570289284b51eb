-- Orders as paid.
CREATE OR REPLACE VIEW orders AS
    SELECT bucket, customer_id, order_id, currency, seq, coalesce(discount, 0) - amount AS subtotal,
           coalesce(discount, 0) AS discount, -amount AS total, balance, at AS paid_at, lines,
           coalesce(coupons, '[]') AS coupons
      FROM transfer WHERE order_id IS NOT NULL;
