-- Raises the version of the catalogue for each statement that changed what workers remember of a product.
CREATE OR REPLACE FUNCTION catalogue_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    -- The last lock of the statement that wrote: whoever waits for it holds nothing that its holder still needs.
    UPDATE catalogue SET version = version + 1;
    RETURN NULL;
END
$$;

-- A change of the search terms alone raises nothing: nothing that workers remember of a product has them.
CREATE OR REPLACE TRIGGER product_changed
    AFTER INSERT OR DELETE OR TRUNCATE OR UPDATE OF product_id, title, currency, price, list_price, publisher, intro,
        cover_url, attributes, on_sale_from, on_sale_until, status, popularity, created_at, updated_at ON product
    FOR EACH STATEMENT EXECUTE FUNCTION catalogue_changed();
