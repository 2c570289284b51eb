"""Kept answers are counted by customer."""

from lingdang.db.migrations.run import run

revision = "0022"
down_revision = "0021"

SQL = """
-- An owner is 'METHOD path custId …', and no custId has a space.
CREATE INDEX idempotency_customer ON idempotency (split_part(owner, ' ', 3));
"""


def upgrade() -> None:
    run(SQL)
