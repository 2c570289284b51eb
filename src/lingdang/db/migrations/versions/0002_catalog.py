"""The tables of lingdang.catalog."""

from lingdang.db.migrations.run import run

revision = "0002"
down_revision = "0001"

SQL = """
CREATE TABLE product (
    product_id    text COLLATE "C" PRIMARY KEY,
    title         text NOT NULL,
    currency      text NOT NULL,
    price         bigint NOT NULL CHECK (price >= 0),
    list_price    bigint NOT NULL CHECK (list_price >= 0),
    publisher     text,
    intro         text NOT NULL DEFAULT '',
    cover_url     text,
    attributes    jsonb NOT NULL DEFAULT '{}',
    on_sale_from  timestamptz,
    on_sale_until timestamptz,
    status        text NOT NULL DEFAULT 'active' CHECK (status IN ('active', 'withdrawn')),
    popularity    bigint NOT NULL DEFAULT 0,
    search        tsvector NOT NULL DEFAULT '',
    created_at    timestamptz NOT NULL,
    updated_at    timestamptz NOT NULL,
    CONSTRAINT product_list_price_not_below_price CHECK (list_price >= price)
);
-- The order of every list, and the words that a product is found by (lingdang.catalog.terms).
CREATE INDEX product_listed ON product (popularity, product_id) WHERE status = 'active';
CREATE INDEX product_search ON product USING gin (search) WHERE status = 'active';
-- On sale at a moment: the one definition that catalogue, cart, checkout and settlement share.
CREATE FUNCTION product_on_sale(p product, at timestamptz) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT p.status = 'active'
       AND (p.on_sale_from IS NULL OR p.on_sale_from <= at)
       AND (p.on_sale_until IS NULL OR at < p.on_sale_until)
$$;
"""


def upgrade() -> None:
    run(SQL)
