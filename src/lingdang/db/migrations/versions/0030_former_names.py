"""Former names: who a customer was before the custId changed."""

from lingdang.db.migrations.run import run

revision = "0030"
down_revision = "0029"


def upgrade() -> None:
    run("""
-- A file of before knows its customers by these (lingdang.moving.former_names). Nobody signs in by one.
CREATE TABLE former_name (
    customer_id text COLLATE "C" NOT NULL,
    customer    bigint NOT NULL,
    PRIMARY KEY (customer_id, customer)
);
CREATE INDEX former_name_customer ON former_name (customer);
""")
