-- The lots of credits that are booked, in their order: a credit's row says what was asked, its transfer what was done.
-- One plan, as in ledger_load. Answers a JSON list of names.
CREATE OR REPLACE FUNCTION ledger_credited(b smallint, customers text[], currencies text[], seqs bigint[])
RETURNS text LANGUAGE plpgsql STABLE
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET enable_bitmapscan = off
AS $$
DECLARE
    lots json;
BEGIN
    SELECT json_agg((
               SELECT substr(a.account, 8) FROM json_array_elements_text(t.accounts) AS a (account)
                WHERE a.account LIKE 'wallet:%' LIMIT 1
               ) ORDER BY k.place) INTO lots
      FROM unnest(customers, currencies, seqs) WITH ORDINALITY AS k (customer_id, currency, seq, place)
     CROSS JOIN LATERAL (
           SELECT t.accounts FROM transfer t
            WHERE t.bucket = b AND t.customer_id = k.customer_id AND t.currency = k.currency AND t.seq = k.seq LIMIT 1
           ) t;
    RETURN lots::text;
END
$$;
