"""How far `serve --demo` has come with filling the shop is kept."""

from lingdang.db.migrations.run import run

revision = "0018"
down_revision = "0017"

SQL = """
-- Null: not at all. A filling that was interrupted is taken up from here; whatever else is in the shop is its owner's.
ALTER TABLE deployment ADD COLUMN demo text CHECK (demo IN ('books', 'customer', 'filled'));
"""


def upgrade() -> None:
    run(SQL)
