"""All sessions of a customer end at once, however they were opened."""

from lingdang.db.migrations.run import run

revision = "0028"
down_revision = "0027"


def upgrade() -> None:
    run("""
-- Whether all sessions of the customer have ended whose ids are up to this one. An id begins with the session's time.
ALTER TABLE session_end ADD COLUMN all_before boolean NOT NULL DEFAULT false;
""")
