"""Top-ups: packages, what was begun, what providers told, refunds of money, gift codes."""

from lingdang.db.migrations.run import run

revision = "0038"
down_revision = "0037"


def upgrade() -> None:
    run("""
CREATE TABLE topup_package (
    package_id text COLLATE "C" PRIMARY KEY,
    definition json NOT NULL,
    active     boolean NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL
);
-- `price`, `received`, `refunded`, `disputed` and `lost` are money in minor units; of customer 0 are payments that name
-- no top-up. `told` is when each of the last three was told last, by the provider's clock. `status` is what
-- topup/status.py makes of the others, kept for lists. `version` counts the changes.
CREATE TABLE topup (
    customer          bigint NOT NULL,
    topup_id          uuid NOT NULL,
    bucket            smallint NOT NULL,
    package_id        text COLLATE "C" NOT NULL,
    name              text NOT NULL,
    account           text COLLATE "C" NOT NULL,
    channel           text COLLATE "C" NOT NULL,
    currency          text COLLATE "C" NOT NULL,
    paid              bigint NOT NULL CHECK (paid >= 0),
    bonus             bigint NOT NULL CHECK (bonus >= 0),
    bonus_days        integer,
    price             bigint NOT NULL CHECK (price >= 0),
    price_currency    text COLLATE "C" NOT NULL,
    store_product     text,
    return_url        text,
    reference         text COLLATE "C",
    action            json,
    received          bigint NOT NULL DEFAULT 0 CHECK (received >= 0),
    received_currency text COLLATE "C",
    refunded          bigint NOT NULL DEFAULT 0 CHECK (refunded >= 0),
    disputed          bigint NOT NULL DEFAULT 0 CHECK (disputed >= 0),
    lost              bigint NOT NULL DEFAULT 0 CHECK (lost >= 0),
    returns           json NOT NULL DEFAULT '[]',
    told              json NOT NULL DEFAULT '{}',
    test              boolean NOT NULL DEFAULT false,
    closed            text COLLATE "C",
    differs           text[] NOT NULL DEFAULT '{}',
    decided           text COLLATE "C",
    status            text COLLATE "C" NOT NULL,
    version           integer NOT NULL DEFAULT 0,
    created_at        timestamptz NOT NULL,
    expires_at        timestamptz NOT NULL,
    paid_at           timestamptz,
    credited_at       timestamptz,
    finished          boolean NOT NULL DEFAULT false,
    asks              integer NOT NULL DEFAULT 0,
    next_ask_at       timestamptz,
    PRIMARY KEY (customer, topup_id, bucket)
);
CREATE UNIQUE INDEX topup_id ON topup (topup_id);
CREATE UNIQUE INDEX topup_reference ON topup (account, reference);
CREATE INDEX topup_status ON topup (status, topup_id);
CREATE INDEX topup_ask ON topup (next_ask_at) WHERE next_ask_at IS NOT NULL;
CREATE INDEX topup_unfinished ON topup (credited_at)
    WHERE channel = 'store' AND credited_at IS NOT NULL AND NOT finished;
-- Only ever added to, and forgotten when it is old. `entry` is the provider's id of a notification, or a hash.
CREATE TABLE topup_notification (
    account  text COLLATE "C" NOT NULL,
    entry    text COLLATE "C" NOT NULL,
    at       timestamptz NOT NULL,
    verdict  text COLLATE "C" NOT NULL,
    type     text COLLATE "C" NOT NULL,
    topup_id uuid,
    kid      text NOT NULL,
    sealed   bytea NOT NULL,
    PRIMARY KEY (account, entry)
);
CREATE INDEX topup_notification_at ON topup_notification (at);
CREATE INDEX topup_notification_refused ON topup_notification (account, at) WHERE verdict LIKE 'forged%';
CREATE INDEX topup_notification_topup ON topup_notification (topup_id, at);
-- What of the inbox is not carried out yet.
CREATE TABLE topup_waiting (
    account  text COLLATE "C" NOT NULL,
    entry    text COLLATE "C" NOT NULL,
    told     json NOT NULL,
    since    timestamptz NOT NULL,
    due_at   timestamptz NOT NULL,
    failures integer NOT NULL DEFAULT 0,
    PRIMARY KEY (account, entry)
);
CREATE INDEX topup_waiting_due ON topup_waiting (due_at);
-- Money that an operator has given back. It is written down before the provider is asked. `base` had gone back before;
-- `due_at` is when the provider is asked once more, and NULL of what is done or was refused.
CREATE TABLE topup_refund (
    customer  bigint NOT NULL,
    topup_id  uuid NOT NULL,
    refund_id text COLLATE "C" NOT NULL,
    bucket    smallint NOT NULL,
    amount    bigint NOT NULL CHECK (amount > 0),
    base      bigint NOT NULL,
    tries     integer NOT NULL DEFAULT 0,
    asked_at  timestamptz NOT NULL,
    due_at    timestamptz,
    done_at   timestamptz,
    refused   text,
    PRIMARY KEY (customer, topup_id, refund_id, bucket)
);
CREATE INDEX topup_refund_due ON topup_refund (due_at) WHERE due_at IS NOT NULL;
-- The provider `sandbox`: what it knows of its payments.
CREATE TABLE sandbox_payment (
    account    text COLLATE "C" NOT NULL,
    topup_id   uuid NOT NULL,
    price      bigint NOT NULL,
    currency   text COLLATE "C" NOT NULL,
    name       text NOT NULL,
    return_url text,
    state      text COLLATE "C" NOT NULL,
    received   bigint NOT NULL DEFAULT 0,
    paid_in    text COLLATE "C",
    refunded   bigint NOT NULL DEFAULT 0,
    disputed   bigint NOT NULL DEFAULT 0,
    lost       bigint NOT NULL DEFAULT 0,
    refunds    text[] NOT NULL DEFAULT '{}',
    at         timestamptz NOT NULL,
    PRIMARY KEY (account, topup_id)
);
CREATE TABLE gift_code (
    code_hash   bytea PRIMARY KEY,
    campaign    text COLLATE "C" NOT NULL,
    currency    text COLLATE "C" NOT NULL,
    amount      bigint NOT NULL CHECK (amount > 0),
    expires_at  timestamptz,
    customer    bigint,
    claimed_at  timestamptz,
    redeemed_at timestamptz
);
CREATE INDEX gift_code_claimed ON gift_code (claimed_at) WHERE claimed_at IS NOT NULL AND redeemed_at IS NULL;
""")
