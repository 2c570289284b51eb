-- What of the journal is sealed: for each customer the rows after a seq, up to so many. The digest is of a text, as
-- PostgreSQL prints jsonb, `, ` between its members:
--   ["lingdang-journal-2", customer, seq, currency, kind, cause, reference, amount, balance, at, position, accounts,
--    amounts, record]
-- The customer's key and the position are texts: readers of JSON have no numbers that large. `record` is the SHA-256, in
-- hex, of all else that is fixed about the row. Whoever verifies a statement writes the text himself from the statement;
-- of the record he needs the hash.
CREATE OR REPLACE FUNCTION journal_content(
    buckets smallint[], customers bigint[], after integer[], at_most integer
) RETURNS TABLE (
    bucket smallint, customer bigint, seq integer, currency text, kind text, cause uuid, reference text, amount bigint,
    balance bigint, at text, moment timestamptz, place bigint, accounts json, amounts bigint[], record text, digest bytea
) LANGUAGE plpgsql STABLE
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET enable_bitmapscan = off
AS $$
BEGIN
    RETURN QUERY
    SELECT t.bucket, t.customer, t.seq, t.currency, t.kind, t.cause, t.reference, t.amount, t.balance, t.moment, t.at,
           t.position, a.accounts, t.amounts, r.record,
           sha256(convert_to(jsonb_build_array(
               'lingdang-journal-2', t.customer::text, t.seq, t.currency, t.kind, t.cause, t.reference, t.amount,
               t.balance, t.moment, t.position::text, a.accounts, t.amounts, r.record)::text, 'UTF8'))
      FROM unnest(buckets, customers, after) WITH ORDINALITY AS k (bucket, customer, after, place)
     CROSS JOIN LATERAL (
           SELECT t.*, journal_moment(t.at) AS moment, journal_reference(t.kind, t.cause, t.detail) AS reference
              FROM transfer t
            WHERE t.bucket = k.bucket AND t.customer = k.customer AND t.seq > k.after
            ORDER BY t.seq LIMIT at_most
           ) t
     CROSS JOIN LATERAL (
           -- Where it is something else than a list, or no payment's, every name stands in the row.
           SELECT CASE WHEN t.kind <> 'payment' OR json_typeof(t.accounts) <> 'array' THEN t.accounts ELSE (
                      SELECT coalesce(json_agg(account_name(leg.account, t.kind, t.detail) ORDER BY leg.n), '[]')
                        FROM json_array_elements(t.accounts) WITH ORDINALITY AS leg (account, n)
                      ) END AS accounts OFFSET 0
           ) a
     CROSS JOIN LATERAL (
           SELECT encode(sha256(convert_to(t.detail::text, 'UTF8')), 'hex') AS record OFFSET 0
           ) r
     ORDER BY k.place, t.seq;
END
$$;
