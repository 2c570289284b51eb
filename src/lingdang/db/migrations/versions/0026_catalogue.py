"""A version of the catalogue is a random value: whoever remembers products of one may share them with all."""

from lingdang.db.migrations.run import run

revision = "0026"
down_revision = "0025"


def upgrade() -> None:
    run("""
ALTER TABLE catalogue
    ALTER COLUMN version DROP DEFAULT,
    ALTER COLUMN version TYPE uuid USING gen_random_uuid(),
    ALTER COLUMN version SET DEFAULT gen_random_uuid();
DROP FUNCTION IF EXISTS cart_selected(smallint, bigint, timestamptz);
DROP FUNCTION IF EXISTS cart_view(smallint, bigint, timestamptz);
DROP FUNCTION IF EXISTS cart_products(text[]);
DROP FUNCTION IF EXISTS product_load(timestamptz, smallint[], bigint[], uuid[], text[]);
ALTER TABLE deployment ALTER COLUMN oldest SET DEFAULT '0026';
UPDATE deployment SET oldest = '0026';
""")
