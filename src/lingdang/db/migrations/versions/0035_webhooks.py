"""Webhooks: endpoints, their secrets, and how far each has been told."""

from lingdang.db.migrations.run import run

revision = "0035"
down_revision = "0034"


def upgrade() -> None:
    run("""
CREATE TABLE webhook_endpoint (
    endpoint_id   text COLLATE "C" PRIMARY KEY,
    url           text NOT NULL,
    types         text[],
    thin          boolean NOT NULL,
    batch         integer NOT NULL CHECK (batch BETWEEN 1 AND 100),
    active        boolean NOT NULL,
    gone_at       timestamptz,
    created_at    timestamptz NOT NULL,
    updated_at    timestamptz NOT NULL,
    -- Of an endpoint where everything fails: since when, how many times in a row, and when it is looked at again.
    failing_since timestamptz,
    failures      integer NOT NULL DEFAULT 0,
    next_try_at   timestamptz,
    figures       jsonb NOT NULL DEFAULT '{}'
);
-- One worker sends for an endpoint at a time: whose it is, and until when unless it says so again.
CREATE TABLE webhook_lease (
    endpoint_id text COLLATE "C" PRIMARY KEY REFERENCES webhook_endpoint ON DELETE CASCADE,
    holder      uuid,
    until       timestamptz NOT NULL
);
-- Everything up to a cursor was delivered, or stands in webhook_held.
CREATE TABLE webhook_cursor (
    endpoint_id text COLLATE "C" NOT NULL REFERENCES webhook_endpoint ON DELETE CASCADE,
    bucket      smallint NOT NULL,
    position    bigint NOT NULL,
    PRIMARY KEY (endpoint_id, bucket)
);
-- What failed, and what waits behind it because it is of the same customer. Only the first of a customer is due at a
-- time; what was tried for long enough is parked. Of an event its place is kept, and it is told anew when it is sent.
CREATE TABLE webhook_held (
    endpoint_id     text COLLATE "C" NOT NULL REFERENCES webhook_endpoint ON DELETE CASCADE,
    number          bigint GENERATED ALWAYS AS IDENTITY,
    bucket          smallint NOT NULL,
    customer        bigint NOT NULL,
    position        bigint NOT NULL,
    event_id        text COLLATE "C" NOT NULL,
    happened_at     timestamptz NOT NULL,
    failures        integer NOT NULL,
    first_failed_at timestamptz,
    due_at          timestamptz,
    parked_at       timestamptz,
    reason          text,
    PRIMARY KEY (endpoint_id, number),
    UNIQUE (endpoint_id, event_id)
);
CREATE INDEX webhook_held_due ON webhook_held (endpoint_id, due_at) WHERE due_at IS NOT NULL;
CREATE INDEX webhook_held_waiting ON webhook_held (endpoint_id, bucket, customer, number) WHERE parked_at IS NULL;
CREATE TABLE webhook_secret (
    endpoint_id text COLLATE "C" NOT NULL REFERENCES webhook_endpoint ON DELETE CASCADE,
    number      integer NOT NULL,
    kid         text NOT NULL,
    sealed      bytea NOT NULL,
    created_at  timestamptz NOT NULL,
    ends_at     timestamptz,
    PRIMARY KEY (endpoint_id, number)
);
CREATE TABLE webhook_replay (
    endpoint_id  text COLLATE "C" NOT NULL REFERENCES webhook_endpoint ON DELETE CASCADE,
    replay_id    uuid NOT NULL,
    bucket       smallint NOT NULL,
    position     bigint NOT NULL,
    upto         bigint NOT NULL,
    types        text[],
    customer     bigint,
    requested_at timestamptz NOT NULL,
    PRIMARY KEY (endpoint_id, replay_id, bucket)
);
""")
