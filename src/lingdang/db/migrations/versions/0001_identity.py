"""The tables of lingdang.identity, and the kept answers of lingdang.http.idempotency."""

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
    bucket              smallint NOT NULL,
    customer_id         text COLLATE "C" NOT NULL,
    password_hash       text,
    -- Changes with the password, but not when the same one is hashed anew.
    password_changed_at timestamptz,
    created_at          timestamptz NOT NULL,
    PRIMARY KEY (bucket, customer_id),
    CHECK ((password_hash IS NULL) = (password_changed_at IS NULL))
);
-- Sessions are verified from their tokens, and refused when they stand here: ended before they expired.
CREATE TABLE session_end (
    bucket      smallint NOT NULL,
    customer_id text COLLATE "C" NOT NULL,
    session_id  uuid NOT NULL,
    expires_at  timestamptz NOT NULL,
    PRIMARY KEY (bucket, customer_id, session_id)
);
CREATE INDEX session_end_expiry ON session_end (expires_at);
-- Those opened with a password, so that a new password can end them. Never read to verify one.
CREATE TABLE password_session (
    bucket      smallint NOT NULL,
    customer_id text COLLATE "C" NOT NULL,
    session_id  uuid NOT NULL,
    expires_at  timestamptz NOT NULL,
    PRIMARY KEY (bucket, customer_id, session_id)
);
CREATE INDEX password_session_expiry ON password_session (expires_at);
-- The moments of the login attempts that count, oldest first, by customer and by client address.
CREATE TABLE login_attempt (
    subject    text COLLATE "C" PRIMARY KEY,
    attempts   timestamptz[] NOT NULL,
    expires_at timestamptz NOT NULL
);
CREATE INDEX login_attempt_expiry ON login_attempt (expires_at);
CREATE TABLE api_key (
    key_id      text COLLATE "C" PRIMARY KEY,
    secret_hash bytea NOT NULL CHECK (octet_length(secret_hash) = 32),
    name        text COLLATE "C" NOT NULL,
    scopes      text[] NOT NULL,
    created_at  timestamptz NOT NULL,
    revoked_at  timestamptz
);
CREATE UNIQUE INDEX api_key_name ON api_key (name) WHERE revoked_at IS NULL;
-- First answers, sealed under the keyring's key `kid`: they may hold secrets.
CREATE TABLE idempotency (
    owner       text COLLATE "C" NOT NULL,
    key         text COLLATE "C" NOT NULL,
    kid         text NOT NULL,
    fingerprint bytea NOT NULL,
    sealed      bytea NOT NULL,
    created_at  timestamptz NOT NULL,
    expires_at  timestamptz NOT NULL,
    PRIMARY KEY (owner, key)
);
CREATE INDEX idempotency_expiry ON idempotency (expires_at);
"""


def upgrade() -> None:
    run(SQL)
    op.get_bind().execute(
        text("INSERT INTO deployment (buckets) VALUES (:buckets)"), {"buckets": context.config.attributes["buckets"]}
    )
