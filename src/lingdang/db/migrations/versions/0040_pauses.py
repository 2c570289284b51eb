"""Top-ups: what cannot be done now pauses for longer each time, and holds up nothing newer."""

from lingdang.db.migrations.run import run

revision = "0040"
down_revision = "0039"


def upgrade() -> None:
    run("""
-- When a code that was claimed is credited, and a store told of what was credited, if that was not done at once.
-- A worker of the release before sets none: it is due from the beginning.
ALTER TABLE gift_code ADD COLUMN due_at timestamptz, ADD COLUMN tries integer NOT NULL DEFAULT 0;
ALTER TABLE topup ADD COLUMN finish_at timestamptz, ADD COLUMN finish_tries integer NOT NULL DEFAULT 0;
DROP INDEX gift_code_claimed;
CREATE INDEX gift_code_due ON gift_code (coalesce(due_at, claimed_at))
    WHERE claimed_at IS NOT NULL AND redeemed_at IS NULL;
DROP INDEX topup_unfinished;
CREATE INDEX topup_unfinished ON topup (account, coalesce(finish_at, credited_at))
    WHERE channel = 'store' AND credited_at IS NOT NULL AND NOT finished;
""")
