-- Orders as paid, and their refunds. Lines and vouchers stand as the customer was offered them: arrays in the order of
-- lingdang.ledger.lines.Line and UsedVoucher. A refund is [refundId, lines, reason, at], its lines [productId, bells];
-- of each, `returned` has who asked for it and how many bells went back, a debt that they paid with them: the others lapsed
-- at once.
CREATE OR REPLACE VIEW orders AS
    SELECT t.bucket, t.customer, t.cause AS order_id, t.currency, t.seq, l.discount - t.amount AS subtotal, l.discount,
           -t.amount AS total, t.balance, t.at AS paid_at, t.detail->0 AS lines, t.detail->1 AS vouchers,
           coalesce(f.refunds, '[]') AS refunds, coalesce(f.returned, '[]') AS returned
      FROM transfer t,
           LATERAL (SELECT coalesce(sum((e.l->>5)::bigint), 0)::bigint AS discount
                      FROM json_array_elements(t.detail->0) AS e (l)) l,
           LATERAL (SELECT json_agg(json_build_array(r.detail->'refundId', r.detail->'lines', r.detail->'reason', r.at)
                                    ORDER BY r.seq) AS refunds,
                           json_agg(json_build_array(r.detail->'by', r.amount + debt_paid(r.accounts, r.amounts))
                                    ORDER BY r.seq) AS returned
                      FROM transfer r
                     WHERE r.kind = 'refund' AND r.detail->>'orderId' = t.cause::text AND r.bucket = t.bucket) f
     WHERE t.kind = 'payment';
