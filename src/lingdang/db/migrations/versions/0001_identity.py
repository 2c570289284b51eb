"""The tables of lingdang.identity."""

from alembic import context, op
from sqlalchemy import text

from lingdang.db.migrations.run import run

revision = "0001"
down_revision = None

SQL = """
CREATE TABLE deployment (
    only_row   boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    buckets    smallint NOT NULL CHECK (buckets >= 1),
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE TABLE customer (
    bucket        smallint NOT NULL,
    customer_id   text COLLATE "C" NOT NULL,
    password_hash text,
    created_at    timestamptz NOT NULL,
    PRIMARY KEY (bucket, customer_id)
);
-- Sessions are not stored, but for those ended before they expired.
CREATE TABLE session_end (
    bucket      smallint NOT NULL,
    customer_id text COLLATE "C" NOT NULL,
    session_id  uuid NOT NULL,
    expires_at  timestamptz NOT NULL,
    PRIMARY KEY (bucket, customer_id, session_id)
);
CREATE INDEX session_end_expiry ON session_end (expires_at);
"""


def upgrade() -> None:
    run(SQL)
    op.get_bind().execute(
        text("INSERT INTO deployment (buckets) VALUES (:buckets)"), {"buckets": context.config.attributes["buckets"]}
    )
