"""Notices: what is told of that is no row of the journal, in the same sequence."""

from lingdang.db.migrations.run import run

revision = "0034"
down_revision = "0033"


def upgrade() -> None:
    run("""
-- `position` is as a journal row's: readers see both in one sequence (lingdang.events.reading). `customer` is 0 where
-- it is nobody's. A key is told of once.
CREATE TABLE notice (
    customer bigint NOT NULL,
    position bigint NOT NULL,
    at       timestamptz NOT NULL,
    bucket   smallint NOT NULL,
    type     text COLLATE "C" NOT NULL,
    key      text COLLATE "C" NOT NULL,
    data     json NOT NULL,
    PRIMARY KEY (customer, type, key, bucket)
);
CREATE INDEX notice_position ON notice (position);
""")
