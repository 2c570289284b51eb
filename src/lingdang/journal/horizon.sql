-- The position below which every settlement of the bucket has ended. Whoever asks reads in a later statement, whose
-- snapshot has them all; nothing below it will ever come. Before the first settlement on this start of the server it ends
-- with what earlier starts left.
-- A settlement holds the lock that all of them share from before it has an id until after it has ended, so an id that is
-- held without that lock is another transaction's, and is passed over: an import, or a writer of another database.
-- An id about which pg_locks does not tell holds the horizon back, as one of a prepared transaction does. What was
-- prepared before this start of the server stands in an earlier epoch, nobody knows in which: it is taken for the lowest.
CREATE OR REPLACE FUNCTION journal_horizon(b smallint) RETURNS bigint LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    seen pg_snapshot;
    here bigint;
    start bigint;
    newest bigint;
    oldest xid8;
BEGIN
    IF pg_is_in_recovery() THEN
        RAISE EXCEPTION 'journal_horizon: a standby does not tell what runs on its primary'
              USING ERRCODE = 'cannot_connect_now';
    END IF;
    SELECT e.shift, e.first INTO here, start
      FROM journal_epoch e WHERE e.started = pg_postmaster_start_time() AND e.bucket = b;
    IF here IS NULL THEN
        -- One statement, one snapshot: as long as it has no epoch, it has nothing that was written in one.
        SELECT e.shift, e.first, n.position INTO here, start, newest
          FROM (SELECT max(t.position) AS position FROM transfer t WHERE t.bucket = b) n
          LEFT JOIN journal_epoch e ON e.started = pg_postmaster_start_time() AND e.bucket = b;
    END IF;
    seen := pg_current_snapshot();
    WITH held AS MATERIALIZED (
        SELECT l.virtualtransaction AS holder, l.locktype, l.transactionid, l.mode,
               l.locktype = 'advisory' AND l.classid = 7308319 AND l.objid = 2 AND l.objsubid = 2
                   AND l.database = (SELECT d.oid FROM pg_database d WHERE d.datname = current_database()) AS settling
          FROM pg_locks l WHERE l.granted AND l.locktype IN ('advisory', 'transactionid')
    )
    SELECT min(x.id) INTO oldest
      FROM pg_snapshot_xip(seen) AS x (id)
     WHERE NOT EXISTS (
           SELECT FROM held h
            WHERE h.locktype = 'transactionid' AND h.mode = 'ExclusiveLock' AND h.transactionid = x.id::xid
              AND h.holder NOT LIKE '-1/%'
              AND NOT EXISTS (SELECT FROM held s WHERE s.holder = h.holder AND s.settling)
           );
    IF here IS NULL OR here + oldest::text::bigint < start THEN
        RETURN least(coalesce(newest, start, 0) + 1,
                     (SELECT min(e.shift) FROM journal_epoch e WHERE e.bucket = b) + oldest::text::bigint);
    END IF;
    RETURN here + coalesce(oldest, pg_snapshot_xmax(seen))::text::bigint;
END
$$;
