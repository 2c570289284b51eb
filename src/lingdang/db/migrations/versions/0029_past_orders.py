"""Past orders: what customers bought in the system before."""

from lingdang.db.migrations.run import run

revision = "0029"
down_revision = "0028"


def upgrade() -> None:
    run("""
-- Nothing here has moved bells or given a right; the journal knows nothing of it. A line is an object as it was brought
-- in: title, price, payable, and productId where there is one.
CREATE TABLE past_order (
    customer bigint NOT NULL,
    move     text COLLATE "C" NOT NULL,
    order_id text COLLATE "C" NOT NULL,
    bucket   smallint NOT NULL,
    paid_at  timestamptz NOT NULL,
    currency text COLLATE "C" NOT NULL,
    total    bigint NOT NULL,
    status   text NOT NULL,
    lines    jsonb NOT NULL,
    PRIMARY KEY (customer, move, order_id, bucket)
);
CREATE INDEX past_order_listed ON past_order (customer, paid_at, move, order_id, bucket);
""")
