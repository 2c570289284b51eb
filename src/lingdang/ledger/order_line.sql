-- The lines of orders as paid.
CREATE OR REPLACE VIEW order_line AS
    SELECT o.bucket, o.customer, o.order_id, n AS line, l->>0 AS product_id, l->>1 AS title, l->>2 AS publisher,
           (l->>3)::bigint AS list_price, (l->>4)::bigint AS price, (l->>5)::bigint AS discount,
           (l->>4)::bigint - (l->>5)::bigint AS payable
      FROM orders o, json_array_elements(o.lines) WITH ORDINALITY AS e (l, n);
