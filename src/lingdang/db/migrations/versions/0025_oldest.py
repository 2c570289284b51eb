"""The database says which programs may run on it: those of the release before its own as well."""

from lingdang.db.migrations.run import run

revision = "0025"
down_revision = "0024"


def upgrade() -> None:
    run("ALTER TABLE deployment ADD COLUMN oldest text NOT NULL DEFAULT '0023'")
