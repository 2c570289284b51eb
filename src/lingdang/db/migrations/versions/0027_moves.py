"""Moves: what was brought into the shop from files, by name, and what was changed of which customers."""

from lingdang.db.migrations.run import run

revision = "0027"
down_revision = "0026"


def upgrade() -> None:
    run("""
CREATE TABLE move (
    name      text COLLATE "C" PRIMARY KEY,
    begun_at  timestamptz NOT NULL,
    undone_at timestamptz
);
-- The customers of a move: whether it made them known, and the groups that it put them into. What it credited and
-- granted stands in their journals.
CREATE TABLE moved_customer (
    move     text COLLATE "C" NOT NULL,
    customer bigint NOT NULL,
    bucket   smallint NOT NULL,
    created  boolean NOT NULL DEFAULT false,
    groups   text[] NOT NULL DEFAULT '{}',
    PRIMARY KEY (move, customer, bucket)
);
""")
