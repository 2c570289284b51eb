"""The sealer remembers gaps across its restarts, and for all workers."""

from lingdang.db.migrations.run import run

revision = "0024"
down_revision = "0023"


def upgrade() -> None:
    run("""
-- Customers whose journal lacks the row `seq`: what comes after it cannot be sealed. The sealer looks for the row until
-- it is there.
CREATE TABLE seal_gap (
    customer bigint NOT NULL,
    seq      integer NOT NULL,
    bucket   smallint NOT NULL,
    PRIMARY KEY (customer, bucket)
);
""")
