-- Who changes a customer's cart waits for whoever is changing it, until the end of the transaction.
CREATE OR REPLACE FUNCTION cart_lock(owner bigint) RETURNS void
LANGUAGE sql VOLATILE AS $$
    SELECT pg_advisory_xact_lock(hashint8extended(owner, 1))
$$;
