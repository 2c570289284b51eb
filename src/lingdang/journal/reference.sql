-- What a row of the journal is for, in the words of whoever caused it: an order's id, a credit's, a top-up's, or nothing.
CREATE OR REPLACE FUNCTION journal_reference(kind text, cause uuid, detail json) RETURNS text LANGUAGE sql IMMUTABLE
RETURN CASE kind WHEN 'payment' THEN cause::text
                 WHEN 'credit' THEN detail->>'creditId'
                 WHEN 'topup' THEN detail->>'topupId'
                 WHEN 'takeback' THEN detail->>'topupId'
                 WHEN 'giveback' THEN detail->>'topupId'
                 WHEN 'freeze' THEN detail->>'topupId'
                 WHEN 'release' THEN detail->>'topupId'
                 WHEN 'gift' THEN detail->>'giftId'
                 WHEN 'adjustment' THEN detail->>'adjustmentId'
                 WHEN 'refund' THEN detail->>'refundId'
                 WHEN 'reversal' THEN detail->>'creditId'
                 WHEN 'grant' THEN detail->>'grantId'
                 WHEN 'revocation' THEN detail->>'revocationId'
                 ELSE '' END;
