"""Refunds of top-ups: since when the provider counts one, which may fail later."""

from lingdang.db.migrations.run import run

revision = "0042"
down_revision = "0041"


def upgrade() -> None:
    run("""
-- What is due and not counted is on its way back beside what the top-up has as refunded.
ALTER TABLE topup_refund ADD COLUMN counted_at timestamptz;
""")
