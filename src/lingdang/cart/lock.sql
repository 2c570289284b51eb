-- Who changes a customer's cart waits for whoever is changing it, until the end of the transaction.
CREATE OR REPLACE FUNCTION cart_lock(of_bucket smallint, customer text) RETURNS void
LANGUAGE sql VOLATILE AS $$
    SELECT pg_advisory_xact_lock(hashtextextended(customer, of_bucket))
$$;
