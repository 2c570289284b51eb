-- Writes notices, each key of a customer and type once, and answers how many were new. As a settlement it has no id before
-- it has the lock that readers of the journal wait for, and its position is of the same sequence (ledger/write.sql); so it is
-- the first statement of its transaction.
CREATE OR REPLACE FUNCTION notice_write(
    b smallint, moment timestamptz, customers bigint[], types text[], keys text[], texts text[]
) RETURNS bigint LANGUAGE plpgsql SET lock_timeout = '3s' AS $$
DECLARE
    written bigint;
    here bigint;
BEGIN
    IF pg_current_xact_id_if_assigned() IS NOT NULL THEN
        RAISE EXCEPTION 'notice_write: the transaction has written before';
    END IF;
    PERFORM pg_advisory_xact_lock_shared(7308319, 2);
    SELECT e.shift + pg_current_xact_id()::text::bigint INTO here
      FROM journal_epoch e WHERE e.started = pg_postmaster_start_time() AND e.bucket = b;
    IF here IS NULL THEN
        RAISE EXCEPTION 'notice_write: no epoch was begun on this server' USING ERRCODE = 'cannot_connect_now';
    END IF;
    INSERT INTO notice (customer, position, at, bucket, type, key, data)
    SELECT n.customer, here, moment, b, n.type, n.key, n.data::json
      FROM unnest(customers, types, keys, texts) AS n (customer, type, key, data)
        ON CONFLICT DO NOTHING;
    GET DIAGNOSTICS written = ROW_COUNT;
    RETURN written;
END
$$;
