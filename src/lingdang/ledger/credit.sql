-- Credits as booked, in full: what paid a debt is among the amount.
CREATE OR REPLACE VIEW credit AS
    SELECT t.bucket, t.customer, t.detail->>'creditId' AS credit_id, t.currency, t.seq,
           t.amount + debt_paid(t.accounts, t.amounts) AS amount,
           t.detail->>'kind' AS kind, (t.detail->>'expiresAt')::timestamptz AS expires_at, t.detail->>'reason' AS reason,
           t.balance, t.at AS credited_at
      FROM transfer t WHERE t.kind = 'credit';
