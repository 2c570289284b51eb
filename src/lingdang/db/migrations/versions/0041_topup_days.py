"""Top-ups: the days of which providers' lists are compared with what was credited."""

from lingdang.db.migrations.run import run

revision = "0041"
down_revision = "0040"


def upgrade() -> None:
    run("""
-- `day` is one of the provider's own zone; `listed` payments it had, of which `differing` were not as they are known.
CREATE TABLE topup_day (
    account   text COLLATE "C" NOT NULL,
    day       date NOT NULL,
    ready_at  timestamptz NOT NULL,
    due_at    timestamptz NOT NULL,
    tries     integer NOT NULL DEFAULT 0,
    done_at   timestamptz,
    listed    integer,
    differing integer,
    PRIMARY KEY (account, day)
);
CREATE INDEX topup_day_due ON topup_day (account, due_at) WHERE done_at IS NULL;
CREATE INDEX topup_paid ON topup (account, paid_at) WHERE paid_at IS NOT NULL;
""")
