"""Webhooks: what a replay has left behind is sent whatever types its endpoint asks for."""

from lingdang.db.migrations.run import run

revision = "0036"
down_revision = "0035"


def upgrade() -> None:
    run("ALTER TABLE webhook_held ADD COLUMN replayed boolean NOT NULL DEFAULT false")
