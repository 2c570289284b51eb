"""Refunds of top-ups: those of what is left, whose bells were not taken yet."""

from lingdang.db.migrations.run import run

revision = "0044"
down_revision = "0043"


def upgrade() -> None:
    run("""
ALTER TABLE topup_refund ADD COLUMN estimated boolean NOT NULL DEFAULT false;
""")
