"""Top-ups: each account is asked for its own."""

from lingdang.db.migrations.run import run

revision = "0039"
down_revision = "0038"


def upgrade() -> None:
    run("""
CREATE INDEX topup_ask_account ON topup (account, next_ask_at) WHERE next_ask_at IS NOT NULL;
DROP INDEX topup_ask;
DROP INDEX topup_unfinished;
CREATE INDEX topup_unfinished ON topup (account, credited_at)
    WHERE channel = 'store' AND credited_at IS NOT NULL AND NOT finished;
""")
