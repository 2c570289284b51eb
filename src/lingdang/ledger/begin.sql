-- Begins the epoch of this start of the server, once for each bucket, in a transaction of its own. Positions that come
-- are above all that this database has, and above what it may have lost: each start jumps ahead by the clock, of whose
-- second four billion positions are, more than there are transactions. Where the clock was set back it jumps by as many as
-- there are transaction ids, and some by chance, which tells two restores of one backup apart.
CREATE OR REPLACE FUNCTION journal_begin(b smallint) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    here timestamptz := pg_postmaster_start_time();
    newest bigint;
    clock bigint := extract(epoch FROM clock_timestamp() - timestamptz '2026-01-01 00:00:00Z') * 4294967296;
    start bigint;
BEGIN
    IF EXISTS (SELECT FROM journal_epoch e WHERE e.started = here AND e.bucket = b) THEN
        RETURN;
    END IF;
    PERFORM pg_advisory_xact_lock(7308319, 3);
    SELECT coalesce(max(t.position), 0) INTO newest FROM transfer t WHERE t.bucket = b;
    SELECT greatest(newest, max(e.first)) INTO start FROM journal_epoch e WHERE e.bucket = b;
    start := CASE WHEN clock > start + (1::bigint << 28) THEN clock
                  ELSE start + ((1 + random()) * 4294967296)::bigint END;
    INSERT INTO journal_epoch (started, bucket, first, shift, after)
    VALUES (here, b, start, start - pg_current_xact_id()::text::bigint, newest)
        ON CONFLICT DO NOTHING;
END
$$;
