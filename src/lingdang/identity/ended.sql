-- One row where this session has ended: by itself, or with all that were opened before a moment; an id begins with the
-- session's time. Asked for in FROM, it is written into the statement that asks and planned with it. Each part is one
-- look into an index, however many other sessions of the customer have ended.
CREATE OR REPLACE FUNCTION session_ended(b smallint, whose bigint, session uuid) RETURNS TABLE (ended boolean)
LANGUAGE sql STABLE AS $$
    SELECT true FROM session_end e WHERE e.bucket = b AND e.customer = whose AND e.session_id = session
    UNION ALL
    SELECT true FROM session_end e
     WHERE e.bucket = b AND e.customer = whose AND e.session_id >= session AND e.all_before
    LIMIT 1
$$;
