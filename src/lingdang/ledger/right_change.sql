-- Every grant and revocation of a right that the journal tells of. A right is there if its product's last one grants it.
CREATE OR REPLACE VIEW right_change AS
    SELECT t.bucket, t.customer, t.seq, e.l->>0 AS product_id, true AS granted
      FROM transfer t, json_array_elements(t.detail->0) AS e (l)
     WHERE t.kind = 'payment'
    UNION ALL
    SELECT t.bucket, t.customer, t.seq, t.detail->>'productId', t.kind = 'grant'
      FROM transfer t WHERE t.kind IN ('grant', 'revocation')
    UNION ALL
    -- A refund ends the right that its order gave; another one that came after that stays.
    SELECT t.bucket, t.customer, t.seq, e.l->>0, false
      FROM transfer t
      JOIN transfer o ON o.cause = (t.detail->>'orderId')::uuid AND o.bucket = t.bucket,
           json_array_elements(t.detail->'lines') AS e (l)
     WHERE t.kind = 'refund';
