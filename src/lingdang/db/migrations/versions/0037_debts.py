"""Debts: bells that were spent before their top-up's money was taken back; and where a customer's credits stand."""

from lingdang.db.migrations.run import run

revision = "0037"
down_revision = "0036"


def upgrade() -> None:
    run("""
-- A wallet in debt is empty: what comes in pays first. The column stands behind what a payment changes.
ALTER TABLE wallet ADD COLUMN debt bigint NOT NULL DEFAULT 0;
ALTER TABLE wallet ALTER COLUMN debt SET STATISTICS 10;
ALTER TABLE wallet DROP CONSTRAINT wallet_is_its_lots;
ALTER TABLE wallet ADD CONSTRAINT wallet_is_its_lots CHECK (
    balance >= 0 AND cardinality(lots) = cardinality(remaining) AND balance = total(remaining)
    AND 0 < ALL (remaining) AND debt >= 0 AND (debt = 0 OR balance = 0)
);
-- What is left of a credit follows from the credits after it (lingdang.ledger.left); what is frozen, from few rows.
CREATE INDEX transfer_credited ON transfer (customer, kind, seq, bucket) WHERE kind IN (
    'topup', 'credit', 'gift', 'adjustment', 'reversal', 'takeback', 'giveback', 'freeze', 'release'
);
""")
