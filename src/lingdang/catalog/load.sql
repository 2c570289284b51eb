-- Which of these sessions, counted from 1, have ended, and products in the catalogue's version. Answers JSON in the
-- shape of lingdang.catalog.reading.CatalogueAnswer.
CREATE OR REPLACE FUNCTION catalogue_load(
    buckets smallint[], customers bigint[], sessions uuid[], products text[], whole boolean
) RETURNS text LANGUAGE plpgsql STABLE
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET enable_bitmapscan = off
AS $$
BEGIN
    RETURN (
        SELECT json_build_object(
                   'ended', coalesce((
                       SELECT json_agg(s.number)
                         FROM unnest(buckets, customers, sessions) WITH ORDINALITY AS s (bucket, customer, session, number)
                        CROSS JOIN LATERAL session_ended(s.bucket, s.customer, s.session) e), '[]'),
                   'catalogue', c.version, 'products', products_read(products, whole))
          FROM catalogue c WHERE c.one);
END
$$;
