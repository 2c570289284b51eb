"""The tables of lingdang.journal, and the one function that says what of a transfer is sealed."""

from lingdang.db.migrations.run import run

revision = "0008"
down_revision = "0007"

SQL = """
-- The sealed journal: a log that is only ever added to. One row seals a stretch of one wallet's transfers; `place`
-- counts the rows of the whole deployment from 1 without a gap. `digests` holds 32 bytes for each transfer, `chain` is
-- the wallet's chain after the last of them, `mac` authenticates the row under the keyring's version `key_version`.
-- The place leads the key, so that the log is read in its order; the bucket is in it for a sharded database.
CREATE TABLE seal (
    place       bigint NOT NULL,
    bucket      smallint NOT NULL,
    customer_id text COLLATE "C" NOT NULL,
    currency    text COLLATE "C" NOT NULL,
    first_seq   bigint NOT NULL,
    last_seq    bigint NOT NULL,
    digests     bytea NOT NULL,
    chain       bytea NOT NULL,
    key_version integer NOT NULL,
    mac         bytea NOT NULL,
    PRIMARY KEY (place, bucket)
);
CREATE UNIQUE INDEX seal_of_wallet ON seal (bucket, customer_id, currency, last_seq);

-- Signed states of the log, one after each step of the sealer: `jws` states how many seals there were and their chained
-- hash. `block` is how far the sealer had read the table `transfer`, for whoever seals next; nothing rests on it.
CREATE TABLE seal_checkpoint (
    number  bigint PRIMARY KEY,
    place   bigint NOT NULL,
    block   bigint NOT NULL,
    made_at timestamptz NOT NULL,
    jws     text NOT NULL
);

-- How far the slow walk over all wallets has come, which finds what the reading of new pages has missed. `counting` is
-- what it has found unsealed past the deadline so far, `overdue` what the last whole walk found.
CREATE TABLE seal_walk (
    one         boolean PRIMARY KEY DEFAULT true CHECK (one),
    bucket      smallint NOT NULL DEFAULT 0,
    customer_id text COLLATE "C" NOT NULL DEFAULT '',
    currency    text COLLATE "C" NOT NULL DEFAULT '',
    stepped_at  timestamptz NOT NULL DEFAULT '-infinity',
    finished_at timestamptz,
    counting    bigint NOT NULL DEFAULT 0,
    overdue     bigint NOT NULL DEFAULT 0
);
INSERT INTO seal_walk DEFAULT VALUES;
"""

# What is sealed of a transfer is this text, as PostgreSQL prints jsonb: a list, `, ` between its members.
#   ["lingdang-journal-1", customer, currency, seq, kind, reference, amount, balance, at, accounts, amounts, record]
# `record` is the SHA-256, in hex, of what the transfer paid or booked (the order with its entitlements, the credit), or
# null. Whoever verifies a statement writes the first text himself from the statement; of the second he needs the hash.
CONTENT = """
-- A moment as it is sealed, to the microsecond.
CREATE FUNCTION journal_moment(moment timestamptz) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT to_char(moment AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')
$$;

-- The transfers of the given wallets after a seq each, in the order of wallet and seq, with what is sealed of them.
-- Rows are looked up by key whatever the statistics say (as in 0003); tampered ones are read without failing. A column
-- that is added to one of these tables has to be added here.
CREATE FUNCTION journal_content(
    buckets smallint[], customers text[], currencies text[], after bigint[], at_most integer
) RETURNS TABLE (
    bucket smallint, customer_id text, currency text, seq bigint, kind text, reference text, amount bigint,
    balance bigint, at text, moment timestamptz, accounts text[], amounts bigint[], record text, digest bytea
) LANGUAGE plpgsql STABLE
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET enable_bitmapscan = off
AS $$
BEGIN
    RETURN QUERY
    SELECT t.bucket, t.customer_id, t.currency, t.seq, t.kind, t.cause, t.amount, t.balance, t.moment, t.at,
           t.accounts, t.amounts, r.record,
           sha256(convert_to(jsonb_build_array(
               'lingdang-journal-1', t.customer_id, t.currency, t.seq, t.kind, t.cause, t.amount, t.balance,
               t.moment, t.accounts, t.amounts, r.record)::text, 'UTF8'))
      FROM unnest(buckets, customers, currencies, after) WITH ORDINALITY
           AS k (bucket, customer_id, currency, after, place)
     CROSS JOIN LATERAL (
           SELECT t.*, journal_moment(t.at) AS moment, coalesce(t.reference, t.order_id::text) AS cause
              FROM transfer t
            WHERE t.bucket = k.bucket AND t.customer_id = k.customer_id AND t.currency = k.currency AND t.seq > k.after
            ORDER BY t.seq LIMIT at_most
           ) t
      LEFT JOIN LATERAL (
           -- What was paid: the order as it stands in the journal, with the entitlements of its lines.
           SELECT jsonb_build_array(
                      'order', t.reference, t.order_id, t.subtotal, t.discount, t.lines::text, t.coupons::text, (
                      SELECT jsonb_agg(jsonb_build_array(e.product_id, e.order_id, journal_moment(e.granted_at))
                                       ORDER BY e.product_id)
                        FROM json_array_elements(
                             CASE json_typeof(t.lines) WHEN 'array' THEN t.lines ELSE '[]' END) AS l
                       CROSS JOIN LATERAL (
                             SELECT * FROM entitlement e
                              WHERE e.bucket = t.bucket AND e.customer_id = t.customer_id
                                AND e.product_id = l->>0 LIMIT 1
                             ) e))::text AS text
            WHERE num_nonnulls(t.order_id, t.subtotal, t.discount, t.lines, t.coupons) > 0
           ) o ON true
      LEFT JOIN LATERAL (
           SELECT jsonb_build_array(
                      'credit', c.customer_id, c.credit_id, c.currency, c.seq, c.amount, c.kind,
                      journal_moment(c.expires_at), c.reason, c.balance, journal_moment(c.credited_at))::text AS text
             FROM credit c
            WHERE t.kind = 'credit' AND c.bucket = t.bucket AND c.customer_id = t.customer_id
              AND c.credit_id = t.reference
            LIMIT 1
           ) c ON true
     CROSS JOIN LATERAL (
           SELECT encode(sha256(convert_to(coalesce(o.text, c.text), 'UTF8')), 'hex') AS record OFFSET 0
           ) r
     ORDER BY k.place, t.seq;
END
$$;
"""


def upgrade() -> None:
    run(SQL)
    run(CONTENT)
