"""The tables of lingdang.cart."""

from lingdang.db.migrations.run import run

revision = "0004"
down_revision = "0003"

SQL = """
CREATE TABLE cart_item (
    bucket      smallint NOT NULL,
    customer_id text COLLATE "C" NOT NULL,
    product_id  text COLLATE "C" NOT NULL,
    ticked      boolean NOT NULL,
    added_at    timestamptz NOT NULL,
    PRIMARY KEY (bucket, customer_id, product_id)
) WITH (fillfactor = 80);
"""


def upgrade() -> None:
    run(SQL)
