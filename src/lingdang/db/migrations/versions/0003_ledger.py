"""The tables of lingdang.ledger, and its two functions: load and save."""

from lingdang.db.migrations.run import run

revision = "0003"
down_revision = "0002"

SQL = """
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
CREATE TABLE wallet (
    bucket      smallint NOT NULL,
    customer_id text COLLATE "C" NOT NULL,
    currency    text COLLATE "C" NOT NULL,
    balance     bigint NOT NULL CHECK (balance >= 0),
    seq         bigint NOT NULL,
    lots        text[] NOT NULL,
    remaining   bigint[] NOT NULL,
    next_expiry timestamptz,
    PRIMARY KEY (bucket, customer_id, currency),
    CONSTRAINT wallet_is_its_lots CHECK (
        cardinality(lots) = cardinality(remaining) AND balance = total(remaining) AND 0 < ALL (remaining)
    )
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.05);
CREATE INDEX wallet_next_expiry ON wallet (next_expiry) WHERE next_expiry IS NOT NULL;

-- The journal: one row a transfer, its legs in two arrays of one length that sum to zero.
-- Never updated, never deleted. `seq` counts a wallet's transfers from 1 without a gap.
CREATE TABLE transfer (
    bucket      smallint NOT NULL,
    customer_id text COLLATE "C" NOT NULL,
    currency    text COLLATE "C" NOT NULL,
    seq         bigint NOT NULL,
    kind        text NOT NULL,
    reference   text NOT NULL,
    amount      bigint NOT NULL,
    balance     bigint NOT NULL CHECK (balance >= 0),
    at          timestamptz NOT NULL,
    accounts    text[] NOT NULL,
    amounts     bigint[] NOT NULL,
    PRIMARY KEY (bucket, customer_id, currency, seq),
    CONSTRAINT transfer_sums_to_zero CHECK (
        cardinality(accounts) = cardinality(amounts) AND total(amounts) = 0
    )
);
-- The journal read leg by leg.
CREATE VIEW entry AS
    SELECT t.bucket, t.customer_id, t.currency, t.seq, leg.ordinality AS leg, t.kind, t.reference, t.at,
           leg.account, leg.amount
      FROM transfer t, unnest(t.accounts, t.amounts) WITH ORDINALITY AS leg (account, amount);

-- Orders as paid; `lines` and `coupons` stand as the customer was offered them.
CREATE TABLE orders (
    bucket      smallint NOT NULL,
    customer_id text COLLATE "C" NOT NULL,
    order_id    uuid NOT NULL,
    currency    text COLLATE "C" NOT NULL,
    seq         bigint NOT NULL,
    subtotal    bigint NOT NULL CHECK (subtotal >= 0),
    discount    bigint NOT NULL CHECK (discount >= 0),
    total       bigint NOT NULL CHECK (total >= 0),
    balance     bigint NOT NULL CHECK (balance >= 0),
    paid_at     timestamptz NOT NULL,
    lines       jsonb NOT NULL,
    coupons     jsonb NOT NULL,
    PRIMARY KEY (bucket, customer_id, order_id),
    CONSTRAINT order_adds_up CHECK (total = subtotal - discount)
);

-- Credits as booked, each once by the id its sender gave it.
CREATE TABLE credit (
    bucket      smallint NOT NULL,
    customer_id text COLLATE "C" NOT NULL,
    credit_id   text COLLATE "C" NOT NULL,
    currency    text COLLATE "C" NOT NULL,
    seq         bigint NOT NULL,
    amount      bigint NOT NULL CHECK (amount > 0),
    kind        text NOT NULL CHECK (kind IN ('paid', 'bonus')),
    expires_at  timestamptz,
    reason      text NOT NULL,
    balance     bigint NOT NULL CHECK (balance >= 0),
    credited_at timestamptz NOT NULL,
    PRIMARY KEY (bucket, customer_id, credit_id)
);

-- Who may read what, and by which order.
CREATE TABLE entitlement (
    bucket      smallint NOT NULL,
    customer_id text COLLATE "C" NOT NULL,
    product_id  text COLLATE "C" NOT NULL,
    order_id    uuid NOT NULL,
    granted_at  timestamptz NOT NULL,
    PRIMARY KEY (bucket, customer_id, product_id)
);
"""


def upgrade() -> None:
    run(SQL)
