"""Former names: which moves know the customer by them."""

from lingdang.db.migrations.run import run

revision = "0033"
down_revision = "0032"


def upgrade() -> None:
    run("""
-- The moves that had begun when the customer was renamed. Of former names from before, those that had moved them in.
ALTER TABLE former_name ADD COLUMN moves text[] NOT NULL DEFAULT '{}';
UPDATE former_name f SET moves = ARRAY(SELECT m.move FROM moved_customer m WHERE m.customer = f.customer ORDER BY 1);
""")
