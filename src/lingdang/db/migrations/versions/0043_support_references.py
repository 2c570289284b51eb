"""Top-ups: those that were in review are looked up by what their customers were told."""

from lingdang.db.migrations.run import run

revision = "0043"
down_revision = "0042"


def upgrade() -> None:
    run("""
CREATE INDEX topup_support ON topup (right(topup_id::text, 12)) WHERE differs <> '{}';
""")
