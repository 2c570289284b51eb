-- Each customer's tick of one product, or a look without one, a customer once. Answers JSON in the shape of
-- lingdang.cart.carts.TickAnswer: which of them, counted from 1, had a session that has ended, and what is in all their carts afterwards, column by column:
-- building an array for each row takes longer than finding it. Carts are read once, after the tick. What has been
-- bought is answered for the last time. What the products are, the worker remembers. One plan, as in ledger_load.
CREATE OR REPLACE FUNCTION cart_tick(
    b smallint, moment timestamptz, max_items integer,
    customers bigint[], sessions uuid[], products text[], ticks boolean[]
) RETURNS text LANGUAGE plpgsql VOLATILE
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET enable_bitmapscan = off
AS $$
DECLARE
    ended bigint[]; answer json; gone tid[];
BEGIN
    SET LOCAL synchronous_commit = off;  -- a lost tick costs nobody anything
    PERFORM cart_lock(c.customer) FROM (SELECT unnest(customers) AS customer ORDER BY 1) c;

    SELECT coalesce(array_agg(c.number), '{}') INTO ended
      FROM unnest(customers, sessions) WITH ORDINALITY AS c (customer, session, number)
     CROSS JOIN LATERAL session_ended(b, c.customer, c.session) e;

    INSERT INTO cart_item AS i (bucket, customer, product_id, ticked, added_at)
    SELECT b, c.customer, c.product, c.tick, moment
      FROM unnest(customers, products, ticks) WITH ORDINALITY AS c (customer, product, tick, number)
     WHERE c.number <> ALL (ended)
       AND EXISTS (SELECT FROM product p WHERE p.product_id = c.product)
       AND (max_items > (SELECT count(*) FROM cart_item o
                          WHERE o.bucket = b AND o.customer = c.customer AND o.product_id <> c.product)
            OR max_items > (SELECT count(*) FROM cart_item o
                             WHERE o.bucket = b AND o.customer = c.customer AND o.product_id <> c.product
                               AND NOT EXISTS (SELECT FROM entitlement e
                                                WHERE e.bucket = b AND e.customer = o.customer
                                                  AND e.product_id = o.product_id)))
        ON CONFLICT (bucket, customer, product_id) DO UPDATE SET ticked = excluded.ticked
     WHERE i.ticked <> excluded.ticked;

    SELECT json_build_object(
               'catalogue', (SELECT version FROM catalogue WHERE one), 'ended', ended,
               'numbers', coalesce(array_agg(c.number), '{}'), 'products', coalesce(array_agg(i.product_id), '{}'),
               'ticked', coalesce(array_agg(i.ticked), '{}'), 'owned', coalesce(array_agg(i.owned), '{}'),
               'since', coalesce(array_agg(i.added_at), '{}')),
           array_agg(i.place) FILTER (WHERE i.owned AND i.product_id <> c.product AND c.number <> ALL (ended))
      INTO answer, gone
      FROM unnest(customers, products) WITH ORDINALITY AS c (customer, product, number)
     CROSS JOIN LATERAL (
           SELECT i.ctid AS place, i.product_id, i.ticked, i.added_at,
                  EXISTS (SELECT FROM entitlement e
                           WHERE e.bucket = b AND e.customer = c.customer AND e.product_id = i.product_id) AS owned
             FROM cart_item i
            WHERE i.bucket = b AND i.customer = c.customer OFFSET 0
           ) i;
    -- The customers are locked, and this statement's snapshot keeps a row's place from being another's.
    IF gone IS NOT NULL THEN
        DELETE FROM cart_item i WHERE i.ctid = ANY (gone) AND i.bucket = b;
    END IF;
    RETURN answer;
END
$$;
