"""A voucher that expires while its payment waits for a lock is not used: ledger_save asks once more."""

from lingdang.db.migrations.run import run

revision = "0007"
down_revision = "0006"

# ledger_load judges vouchers by the time before it has the locks, the payment is made at the time after. Whoever
# finds a voucher expired in between is decided again, like whoever finds it used (0006).
SQL = """
DO $$
DECLARE
    before text := pg_get_functiondef('ledger_save'::regproc);
    after text := replace(before, 'v.used_by IS NULL;', 'v.used_by IS NULL AND v.expires_at > moment;');
BEGIN
    ASSERT before <> after, 'ledger_save uses vouchers';
    EXECUTE after;
END
$$;
"""


def upgrade() -> None:
    run(SQL)
