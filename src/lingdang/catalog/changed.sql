-- Gives the catalogue another version with each statement that changed what workers remember of a product. The version
-- is a random one: no two states of a catalogue share it, on whatever server, restored from whatever backup.
CREATE OR REPLACE FUNCTION catalogue_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    -- The last lock of the statement that wrote: whoever waits for it holds nothing that its holder still needs.
    UPDATE catalogue SET version = gen_random_uuid();
    RETURN NULL;
END
$$;

-- A change of the search terms alone changes no version: nothing that workers remember of a product has them.
CREATE OR REPLACE TRIGGER product_changed
    AFTER INSERT OR DELETE OR TRUNCATE OR UPDATE OF product_id, title, currency, price, list_price, publisher, intro,
        cover_url, attributes, on_sale_from, on_sale_until, status, popularity, created_at, updated_at ON product
    FOR EACH STATEMENT EXECUTE FUNCTION catalogue_changed();
-- Also where a session replays what others wrote (session_replication_role = replica). Logical replication runs no
-- trigger of a statement: what is brought in by it needs an UPDATE of catalogue by whoever sets it up.
ALTER TABLE product ENABLE ALWAYS TRIGGER product_changed;
