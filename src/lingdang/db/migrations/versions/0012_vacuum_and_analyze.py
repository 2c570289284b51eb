"""Tables that every payment adds to are analysed when they have doubled, and vacuumed after a million rows."""

from lingdang.db.migrations.run import run

revision = "0012"
down_revision = "0011"

SQL = """
-- Every hot statement finds its rows by key, under plans that do not depend on statistics (tests/flow/test_plans.py).
-- Statistics of these tables cost a busy young shop a tenth of PostgreSQL's CPU time.
ALTER TABLE transfer SET (autovacuum_analyze_scale_factor = 1, autovacuum_vacuum_insert_threshold = 1000000);
ALTER TABLE entitlement SET (autovacuum_analyze_scale_factor = 1, autovacuum_vacuum_insert_threshold = 1000000);
ALTER TABLE seal SET (autovacuum_analyze_scale_factor = 1, autovacuum_vacuum_insert_threshold = 1000000);
-- The threshold: a vacuum opens the last bit of room in every page, so that new rows of the journal stand in old pages,
-- where only the sealer's walk finds them. These tables have no dead rows; it is only to mark pages as seen by all.
-- Updated over and over: what is known of their columns hardly changes.
ALTER TABLE wallet SET (autovacuum_analyze_scale_factor = 10);
ALTER TABLE cart_item SET (autovacuum_analyze_scale_factor = 10);
ALTER TABLE voucher SET (autovacuum_analyze_scale_factor = 1);
"""


def upgrade() -> None:
    run(SQL)
