-- Begins one more epoch on this start of the server, and answers where it begins: what comes then has other names than what a
-- restore lost, also where that was no start of its own. The epoch that was here stays as one of an earlier start. Whoever
-- calls it holds the lock that settlements share, alone.
CREATE OR REPLACE FUNCTION journal_begin_anew(b smallint) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    here timestamptz := pg_postmaster_start_time();
    earlier bigint;
    found bigint;
BEGIN
    SELECT count(*) INTO earlier FROM journal_epoch e WHERE e.bucket = b;
    UPDATE journal_epoch e SET started = here - earlier * interval '1 microsecond'
     WHERE e.started = here AND e.bucket = b;
    PERFORM journal_begin(b);
    SELECT e.first INTO found FROM journal_epoch e WHERE e.started = here AND e.bucket = b;
    RETURN found;
END
$$;
