"""All tables, as the first release has them. Functions and views are files of their own (lingdang.db.sql_files)."""

from alembic import context, op
from sqlalchemy import text

from lingdang.db.migrations.run import run

revision = "0023"
down_revision = None

IDENTITY = """
CREATE TABLE deployment (
    only_row   boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    buckets    smallint NOT NULL CHECK (buckets >= 1),
    created_at timestamptz NOT NULL DEFAULT now(),
    -- How far `serve --demo` has come with filling the shop; null: not at all. A filling that was interrupted is taken
    -- up from here; whatever else is in the shop is its owner's.
    demo       text CHECK (demo IN ('books', 'customer', 'filled'))
);
-- The platform's id of a customer stands here alone; every other row has the customer's key, which never changes
-- (lingdang.ids.new_customer). A shared table: it is looked into when a session is opened, and by operators.
CREATE TABLE customer (
    customer            bigint PRIMARY KEY,
    customer_id         text COLLATE "C" NOT NULL UNIQUE,
    password_hash       text,
    -- Changes with the password, but not when the same one is hashed anew.
    password_changed_at timestamptz,
    created_at          timestamptz NOT NULL,
    -- What the platform declares about a customer; conditions of vouchers name them.
    groups              text[] NOT NULL DEFAULT '{}',
    CHECK ((password_hash IS NULL) = (password_changed_at IS NULL))
);
-- Sessions are verified from their tokens, and refused when they stand here: ended before they expired.
-- Keys begin with the customer and end with the bucket: in a database of one bucket the first column would be compared
-- at every step of every look-up, and tell nothing.
CREATE TABLE session_end (
    bucket     smallint NOT NULL,
    customer   bigint NOT NULL,
    session_id uuid NOT NULL,
    expires_at timestamptz NOT NULL,
    PRIMARY KEY (customer, session_id, bucket)
);
CREATE INDEX session_end_expiry ON session_end (expires_at);
-- Those opened with a password, so that a new password can end them. Never read to verify one.
CREATE TABLE password_session (
    bucket     smallint NOT NULL,
    customer   bigint NOT NULL,
    session_id uuid NOT NULL,
    expires_at timestamptz NOT NULL,
    PRIMARY KEY (customer, session_id, bucket)
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
-- Kept answers are counted by customer. An owner is 'METHOD path custId …', and no custId has a space.
CREATE INDEX idempotency_customer ON idempotency (split_part(owner, ' ', 3));
"""

CATALOGUE = """
CREATE TABLE product (
    product_id    text COLLATE "C" PRIMARY KEY,
    title         text NOT NULL,
    currency      text NOT NULL,
    price         bigint NOT NULL CHECK (price >= 0),
    list_price    bigint NOT NULL CHECK (list_price >= 0),
    publisher     text,
    intro         text NOT NULL DEFAULT '',
    cover_url     text,
    attributes    jsonb NOT NULL DEFAULT '{}',
    on_sale_from  timestamptz,
    on_sale_until timestamptz,
    status        text NOT NULL DEFAULT 'active' CHECK (status IN ('active', 'withdrawn')),
    popularity    bigint NOT NULL DEFAULT 0,
    search        tsvector NOT NULL DEFAULT '',
    created_at    timestamptz NOT NULL,
    updated_at    timestamptz NOT NULL,
    CONSTRAINT product_list_price_not_below_price CHECK (list_price >= price)
);
-- The order of every list, and the words that a product is found by (lingdang.catalog.terms).
CREATE INDEX product_listed ON product (popularity, product_id) WHERE status = 'active';
CREATE INDEX product_search ON product USING gin (search) WHERE status = 'active';
-- Empty, but for what an older version wrote (lingdang.catalog.renewal). It names the mark of lingdang.catalog.terms.
CREATE INDEX product_old_terms ON product (product_id) WHERE NOT search @@ '''=2'':*'::tsquery;
-- Counts the transactions that changed a product, so that a worker knows whether what it knows of them still holds.
CREATE TABLE catalogue (
    one     boolean PRIMARY KEY DEFAULT true CHECK (one),
    version bigint NOT NULL DEFAULT 0
) WITH (fillfactor = 10);
INSERT INTO catalogue DEFAULT VALUES;
CREATE TABLE cart_item (
    bucket     smallint NOT NULL,
    customer   bigint NOT NULL,
    product_id text COLLATE "C" NOT NULL,
    ticked     boolean NOT NULL,
    added_at   timestamptz NOT NULL,
    PRIMARY KEY (customer, product_id, bucket)
) WITH (fillfactor = 80);
"""

COUPONS = """
-- Definitions: a small shared table. `definition` is a lingdang.coupons.model.Definition; the columns beside it are
-- what claiming decides on. `claimed` counts the vouchers handed out, and its row is locked only while one is.
CREATE TABLE coupon (
    coupon_id    text COLLATE "C" PRIMARY KEY,
    definition   jsonb NOT NULL,
    status       text NOT NULL CHECK (status IN ('active', 'paused', 'withdrawn')),
    code         text COLLATE "C" UNIQUE,
    total_limit  bigint CHECK (total_limit >= 0),
    per_customer integer NOT NULL CHECK (per_customer >= 1),
    valid_from   timestamptz,
    valid_until  timestamptz,
    valid_days   integer CHECK (valid_days BETWEEN 1 AND 1096),
    first_purchase boolean GENERATED ALWAYS AS (
                 coalesce((definition->'conditions'->>'firstPurchase')::boolean, false)) STORED,
    claimed      bigint NOT NULL DEFAULT 0,
    created_at   timestamptz NOT NULL,
    updated_at   timestamptz NOT NULL,
    -- Tells one definition from another, so that a worker that remembers it need not read it again.
    fingerprint  bigint NOT NULL GENERATED ALWAYS AS (hashtextextended(definition::text, 0)) STORED,
    CONSTRAINT coupon_within_its_limit CHECK (claimed >= 0 AND (total_limit IS NULL OR claimed <= total_limit))
) WITH (fillfactor = 50);

-- One-time codes, each good for one voucher, kept as their SHA-256: they are random and long enough (80 bits) that
-- nobody finds one from its hash. No reference to the coupon, which would be looked up for each code that is added:
-- codes are only added together, by make_codes, which looks the coupon up once and holds it; coupons are never deleted.
CREATE TABLE coupon_code (
    code_hash  bytea PRIMARY KEY CHECK (octet_length(code_hash) = 32),
    coupon_id  text COLLATE "C" NOT NULL,
    claimed_by bigint,
    voucher_id uuid,
    CHECK ((claimed_by IS NULL) = (voucher_id IS NULL))
);

-- Vouchers in customers' hands. A payment touches only its customer's, and changes no indexed column: its update stays
-- within the page. None is good for longer than three years, so what a checkout looks through has an end.
CREATE TABLE voucher (
    bucket     smallint NOT NULL,
    customer   bigint NOT NULL,
    voucher_id uuid NOT NULL,
    coupon_id  text COLLATE "C" NOT NULL,
    claimed_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    used_by    uuid,
    used_at    timestamptz,
    saved      bigint,
    PRIMARY KEY (customer, voucher_id, bucket),
    CONSTRAINT voucher_use CHECK ((used_by IS NULL) = (used_at IS NULL) AND (used_by IS NULL) = (saved IS NULL))
) WITH (fillfactor = 80);
"""

LEDGER = """
-- Part of the tables' checks, and so it stands with them.
CREATE FUNCTION total(amounts bigint[]) RETURNS bigint
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE STRICT AS $$
DECLARE
    amount bigint;
    result bigint := 0;
BEGIN
    FOREACH amount IN ARRAY amounts LOOP
        result := result + amount;
    END LOOP;
    RETURN result;
END
$$;

-- A customer's bells of one currency, with the lots they lie in. A lot is named by what it holds:
-- 'paid', 'bonus', or either with the moment it expires, 'bonus@2026-12-31T00:00:00.000Z'.
-- `seq` and `moved_at` are those of its newest row in the journal. Rows without bells have the currency ''.
-- What a payment changes stands together at the end: an update logs only what lies between the first and the last
-- changed byte.
CREATE TABLE wallet (
    next_expiry timestamptz,
    customer    bigint NOT NULL,
    bucket      smallint NOT NULL,
    currency    text COLLATE "C" NOT NULL,
    lots        text[] NOT NULL,
    remaining   bigint[] NOT NULL,
    balance     bigint NOT NULL,
    moved_at    timestamptz NOT NULL,
    seq         integer NOT NULL,
    PRIMARY KEY (customer, currency, bucket),
    CONSTRAINT wallet_is_its_lots CHECK (
        balance >= 0 AND cardinality(lots) = cardinality(remaining) AND balance = total(remaining)
        AND 0 < ALL (remaining)
    )
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.05);
CREATE INDEX wallet_next_expiry ON wallet (next_expiry) WHERE next_expiry IS NOT NULL;

-- The journal: one row a cause. Never updated, never deleted. Its legs are two arrays of one length that sum to zero.
-- `seq` counts a customer's rows, of all currencies and without bells, from 1 without a gap; their times never run
-- backwards. `cause` is an order's id, or a hash of whose and what it is (lingdang.ledger.causes); `detail` has what
-- else is fixed about it, in the shape of its kind: an order's lines and vouchers, a credit's origin.
-- `position` is the order in which all readers see the journal (lingdang.journal.positions).
-- The constraints are few and short, because every statement reads the text of each of them anew. No column is NULL: a
-- row without a bitmap of NULLs is shorter by what the position takes. Accounts are JSON, which takes 12 bytes less for
-- each than an array.
CREATE TABLE transfer (
    amount   bigint NOT NULL,
    balance  bigint NOT NULL,
    at       timestamptz NOT NULL,
    position bigint NOT NULL,
    customer bigint NOT NULL,
    seq      integer NOT NULL,
    bucket   smallint NOT NULL,
    currency text COLLATE "C" NOT NULL,
    kind     text NOT NULL,
    amounts  bigint[] NOT NULL,
    accounts json NOT NULL,
    cause    uuid NOT NULL,
    detail   json NOT NULL,
    PRIMARY KEY (customer, seq, bucket),
    CONSTRAINT transfer_sums_to_zero CHECK (
        json_array_length(accounts) = cardinality(amounts) AND total(amounts) = 0
    )
);
-- An order's id begins with its time: what is new stands at the end of this index, in few pages.
CREATE UNIQUE INDEX transfer_cause ON transfer (cause, bucket);
CREATE INDEX transfer_position ON transfer (position);
-- Few rows are in these: an order's refunds, and what ended rights lately.
CREATE INDEX transfer_refund ON transfer ((detail->>'orderId'), bucket) WHERE kind = 'refund';
CREATE INDEX transfer_revoking ON transfer (at) WHERE kind IN ('refund', 'revocation');

-- Where positions begin after each start of the server: position = shift + the transaction's id. What a restore takes
-- away ends at `after`, and what comes then begins at `first` (lingdang.journal.positions).
CREATE TABLE journal_epoch (
    started timestamptz NOT NULL,
    bucket  smallint NOT NULL,
    first   bigint NOT NULL,
    shift   bigint NOT NULL,
    after   bigint NOT NULL,
    PRIMARY KEY (started, bucket)
);

-- Who may read what, and by which row of the journal it was granted. A row is there while the right is.
CREATE TABLE entitlement (
    customer   bigint NOT NULL,
    granted_by integer NOT NULL,
    bucket     smallint NOT NULL,
    product_id text COLLATE "C" NOT NULL,
    -- When it was used first, where customers may have refunds of what they have not opened.
    opened_at  timestamptz,
    PRIMARY KEY (customer, product_id, bucket)
);
"""

JOURNAL = """
-- The sealed journal: a log that is only ever added to. One row seals a stretch of one customer's journal; `place`
-- counts the rows of the whole deployment from 1 without a gap. `digests` holds 32 bytes for each transfer, `chain` is
-- the customer's chain after the last of them, `mac` authenticates the row under the keyring's version `key_version`.
-- The place leads the key, so that the log is read in its order; the bucket is in it for a sharded database.
CREATE TABLE seal (
    place       bigint NOT NULL,
    customer    bigint NOT NULL,
    bucket      smallint NOT NULL,
    first_seq   integer NOT NULL,
    last_seq    integer NOT NULL,
    digests     bytea NOT NULL,
    chain       bytea NOT NULL,
    key_version integer NOT NULL,
    mac         bytea NOT NULL,
    PRIMARY KEY (place, bucket)
);
CREATE UNIQUE INDEX seal_of_customer ON seal (customer, last_seq, bucket);

-- Signed states of the log, one after each step of the sealer: `jws` states how many seals there were, their chained
-- hash, and in `positions` how far the sealer had read the journal of each bucket then.
CREATE TABLE seal_checkpoint (
    number    bigint PRIMARY KEY,
    place     bigint NOT NULL,
    positions bigint[] NOT NULL,
    made_at   timestamptz NOT NULL,
    jws       text NOT NULL
);
"""

UPKEEP = """
-- Every hot statement finds its rows by key, under plans that do not depend on statistics (tests/flow/test_plans.py).
-- Statistics of these tables cost a busy young shop a tenth of PostgreSQL's CPU time.
ALTER TABLE transfer SET (autovacuum_analyze_scale_factor = 1);
ALTER TABLE entitlement SET (autovacuum_analyze_scale_factor = 1);
ALTER TABLE seal SET (autovacuum_analyze_scale_factor = 1);
-- Updated over and over: what is known of their columns hardly changes.
ALTER TABLE wallet SET (autovacuum_analyze_scale_factor = 10);
ALTER TABLE cart_item SET (autovacuum_analyze_scale_factor = 10);
ALTER TABLE voucher SET (autovacuum_analyze_scale_factor = 1);
-- An analysis reads 300 rows for each point of the columns' target, which is 100 by default, and sorts what it read:
-- for transfer 155 ms of a core, beside payments that take 6. With a target of 10 it takes 15. What is asked of these
-- tables goes by key, and for that a coarse picture is enough.
DO $$
DECLARE
    change text;
BEGIN
    FOR change IN
        SELECT format('ALTER TABLE %s ALTER COLUMN %I SET STATISTICS 10', a.attrelid::regclass, a.attname)
          FROM pg_attribute a
         WHERE a.attrelid IN ('transfer'::regclass, 'entitlement'::regclass, 'seal'::regclass, 'wallet'::regclass,
                              'voucher'::regclass, 'cart_item'::regclass)
           AND a.attnum > 0 AND NOT a.attisdropped
    LOOP
        EXECUTE change;
    END LOOP;
END
$$;
"""


def upgrade() -> None:
    run(IDENTITY + CATALOGUE + COUPONS + LEDGER + JOURNAL + UPKEEP)
    op.get_bind().execute(
        text("INSERT INTO deployment (buckets) VALUES (:buckets)"), {"buckets": context.config.attributes["buckets"]}
    )
