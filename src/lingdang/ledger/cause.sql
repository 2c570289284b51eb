-- The cause of what a reference names, as lingdang.ledger.causes makes it.
CREATE OR REPLACE FUNCTION ledger_cause(customer bigint, kind text, reference text) RETURNS uuid
LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT encode('\x00'::bytea
                  || substr(sha256(convert_to(customer || ' ' || kind || ' ' || reference, 'UTF8')), 1, 15), 'hex')::uuid
$$;
