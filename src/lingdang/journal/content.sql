-- What of transfers is sealed: for each wallet those after a seq, up to so many. The digest is of a text, as PostgreSQL
-- prints jsonb, `, ` between its members:
--   ["lingdang-journal-1", customer, currency, seq, kind, reference, amount, balance, at, accounts, amounts, record]
-- `record` is the SHA-256, in hex, of what the transfer paid or booked (the order with its entitlements, the credit), or
-- null. Whoever verifies a statement writes the first text himself from the statement; of the second he needs the hash.
CREATE OR REPLACE FUNCTION journal_content(
    buckets smallint[], customers text[], currencies text[], after bigint[], at_most integer
) RETURNS TABLE (
    bucket smallint, customer_id text, currency text, seq bigint, kind text, reference text, amount bigint,
    balance bigint, at text, moment timestamptz, accounts json, amounts bigint[], record text, digest bytea
) LANGUAGE plpgsql STABLE
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET enable_bitmapscan = off
AS $$
BEGIN
    RETURN QUERY
    SELECT t.bucket, t.customer_id, t.currency, t.seq::bigint, t.kind, t.cause, t.amount, t.balance, t.moment, t.at,
           a.accounts, t.amounts, r.record,
           sha256(convert_to(jsonb_build_array(
               'lingdang-journal-1', t.customer_id, t.currency, t.seq, t.kind, t.cause, t.amount, t.balance,
               t.moment, a.accounts, t.amounts, r.record)::text, 'UTF8'))
      FROM unnest(buckets, customers, currencies, after) WITH ORDINALITY
           AS k (bucket, customer_id, currency, after, place)
     CROSS JOIN LATERAL (
           SELECT t.*, journal_moment(t.at) AS moment, coalesce(t.reference, t.order_id::text) AS cause
              FROM transfer t
            WHERE t.bucket = k.bucket AND t.customer_id = k.customer_id AND t.currency = k.currency AND t.seq > k.after
            ORDER BY t.seq LIMIT at_most
           ) t
     CROSS JOIN LATERAL (
           -- Where there is no order, or something else than a list, every name stands in the row.
           SELECT CASE WHEN t.lines IS NULL OR json_typeof(t.accounts) <> 'array' THEN t.accounts ELSE (
                      SELECT coalesce(json_agg(account_name(leg.account, t.lines) ORDER BY leg.n), '[]')
                        FROM json_array_elements(t.accounts) WITH ORDINALITY AS leg (account, n)
                      ) END AS accounts OFFSET 0
           ) a
      LEFT JOIN LATERAL (
           -- What was paid: the order as it stands in the journal, with the entitlements of its lines.
           SELECT jsonb_build_array(
                      'order', t.reference, t.order_id, coalesce(t.discount, 0) - t.amount, coalesce(t.discount, 0),
                      t.lines::text, coalesce(t.coupons::text, '[]'), (
                      SELECT jsonb_agg(jsonb_build_array(e.product_id, e.order_id, t.moment) ORDER BY e.product_id)
                        FROM json_array_elements(
                             CASE json_typeof(t.lines) WHEN 'array' THEN t.lines ELSE '[]' END) AS l
                       CROSS JOIN LATERAL (
                             SELECT * FROM entitlement e
                              WHERE e.bucket = t.bucket AND e.customer_id = t.customer_id
                                AND e.product_id = l->>0 LIMIT 1
                             ) e))::text AS text
            WHERE num_nonnulls(t.order_id, t.discount, t.lines, t.coupons) > 0
           ) o ON true
      LEFT JOIN LATERAL (
           SELECT jsonb_build_array(
                      'credit', c.customer_id, c.credit_id, c.currency, c.seq, c.amount, c.kind,
                      journal_moment(c.expires_at), c.reason, c.balance, journal_moment(c.credited_at))::text AS text
             FROM credit c
            WHERE t.kind = 'credit' AND c.bucket = t.bucket AND c.customer_id = t.customer_id
              AND c.credit_id = t.reference
            LIMIT 1
           ) c ON true
     CROSS JOIN LATERAL (
           SELECT encode(sha256(convert_to(coalesce(o.text, c.text), 'UTF8')), 'hex') AS record OFFSET 0
           ) r
     ORDER BY k.place, t.seq;
END
$$;
