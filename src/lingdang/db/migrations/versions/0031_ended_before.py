"""A session that ended with all before it is found at one look, however many others have ended."""

from lingdang.db.migrations.run import run

revision = "0031"
down_revision = "0030"


def upgrade() -> None:
    run("CREATE INDEX session_end_all_before ON session_end (customer, session_id) WHERE all_before")
