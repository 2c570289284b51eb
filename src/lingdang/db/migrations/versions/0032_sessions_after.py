"""Sessions of a renamed customer: those of the new name are younger than all that ended."""

from lingdang.db.migrations.run import run

revision = "0032"
down_revision = "0031"


def upgrade() -> None:
    run("""
-- All sessions of the customer have ended whose ids are of this moment or before, which may be yet to come: machines'
-- clocks differ. A session that is opened from now on is younger.
ALTER TABLE customer ADD COLUMN sessions_after timestamptz;
""")
