"""Products whose search terms were made another way than this version's are found, to be made anew."""

from lingdang.db.migrations.run import run

revision = "0020"
down_revision = "0019"

SQL = """
-- Empty, but for what an older version wrote (lingdang.catalog.renewal). It names the mark of lingdang.catalog.terms.
CREATE INDEX product_old_terms ON product (product_id) WHERE NOT search @@ '''=2'':*'::tsquery;

-- As in 0010, but for a change of the terms alone: nothing that workers remember of a product has them.
CREATE OR REPLACE TRIGGER product_changed
    AFTER INSERT OR DELETE OR TRUNCATE OR UPDATE OF product_id, title, currency, price, list_price, publisher, intro,
        cover_url, attributes, on_sale_from, on_sale_until, status, popularity, created_at, updated_at ON product
    FOR EACH STATEMENT EXECUTE FUNCTION catalogue_changed();
"""


def upgrade() -> None:
    run(SQL)
