"""Whatever is changed behind the application's back is found, and where it is."""

from collections.abc import Sequence

import psycopg
import pytest

from lingdang.keys import Keyring
from support.journal import buy, fill, seal_all, verify


def tamper(database_url: str, *statements: str) -> None:
    """SQL as a superuser sends it who has put the constraints aside."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        for table in ("transfer", "credit"):
            for (name,) in connection.execute(
                "SELECT conname FROM pg_constraint WHERE conrelid = %s::regclass AND contype = 'c'", (table,)
            ).fetchall():
                connection.execute(f'ALTER TABLE {table} DROP CONSTRAINT "{name}"'.encode())
        for statement in statements:
            connection.execute(statement.encode())


def found(database_url: str, keyring: Keyring) -> list[tuple[str, str, str]]:
    return [(d.check, d.cust_id, d.detail) for d in verify(database_url, keyring).differences]


CHANGED = {
    "transfer": {
        "kind": "'expiry'",
        "reference": "order_id::text",
        "amount": "amount + 1",
        "balance": "balance + 1",
        "at": "at + interval '1 microsecond'",
        "accounts": "replace(accounts::text, 'wallet:paid', 'wallet:bonus')::json",
        "amounts": "array_append(amounts, 0)",
        "order_id": "gen_random_uuid()",
        "discount": "coalesce(discount, 0) + 1",
        "lines": "replace(lines::text, '[', '[ ')::json",
        "coupons": "'[[]]'",
    },
    "entitlement": {
        "product_id": "'x' || product_id",
        "order_id": "gen_random_uuid()",
    },
}
CREDIT = {
    "credit_id": "credit_id || 'x'",
    "currency": "'BALL'",
    "seq": "seq + 9",
    "amount": "amount + 1",
    "kind": "'bonus'",
    "expires_at": "now()",
    "reason": "'gift'",
    "balance": "balance + 1",
    "credited_at": "credited_at + interval '1 microsecond'",
}
COLUMNS = [(table, column) for table, columns in CHANGED.items() for column in columns]


async def test_what_is_sealed_is_sound(database_url: str, keyring: Keyring) -> None:
    await fill(database_url)
    assert await seal_all(database_url, keyring) == 6
    report = verify(database_url, keyring)
    assert (report.sealed, report.unsealed, report.seals, report.checkpoints) == (6, 0, 2, 1)
    assert report.differences == []


async def test_every_column_of_every_row_is_sealed(database_url: str, keyring: Keyring) -> None:
    """Each column in turn is changed, found at the payment's or the credit's seq, and put back."""
    await fill(database_url)
    await seal_all(database_url, keyring)
    tamper(database_url)
    cases = [(table, column, value, 3) for table, values in CHANGED.items() for column, value in values.items()]
    cases += [("credit", column, value, 1) for column, value in CREDIT.items()]
    for table, column, value, seq in cases:
        where = "customer_id = 'ann'"
        where += {"transfer": " AND seq = 3", "credit": " AND credit_id = 'first'"}.get(table, "")
        with psycopg.connect(database_url, autocommit=True) as connection:
            connection.execute(f"CREATE TABLE kept AS SELECT * FROM {table}".encode())
            connection.execute(f"UPDATE {table} SET {column} = {value} WHERE {where}".encode())
            expected = [("journal_changed", "ann", f"BELL seq {seq} or what it paid or booked")]
            assert found(database_url, keyring) == expected, (table, column)
            connection.execute(f"TRUNCATE {table}".encode())
            connection.execute(f"INSERT INTO {table} SELECT * FROM kept".encode())
            connection.execute("DROP TABLE kept")
    assert found(database_url, keyring) == []


async def test_no_column_is_forgotten(database_url: str) -> None:
    """A column that is added to one of these tables has to be sealed as well."""
    keys = {"bucket", "customer_id"}
    with psycopg.connect(database_url, autocommit=True) as connection:
        for table, tried in {**CHANGED, "credit": CREDIT}.items():
            columns = connection.execute(
                "SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped",
                (table,),
            ).fetchall()
            known = keys | set(tried) | ({"seq", "currency"} if table == "transfer" else set())
            assert {name for (name,) in columns} == known


CASES: dict[str, tuple[Sequence[str], list[tuple[str, str, str]]]] = {
    "a transfer removed": (
        ["DELETE FROM transfer WHERE customer_id = 'ann' AND seq = 2"],
        [("journal_removed", "ann", "BELL seq 2")],
    ),
    "the newest transfer removed": (
        ["DELETE FROM transfer WHERE customer_id = 'ann' AND seq = 3"],
        [("journal_removed", "ann", "BELL seq 3")],
    ),
    "an order taken off its payment": (
        [
            "UPDATE transfer SET reference = order_id::text, order_id = NULL, discount = NULL,"
            " lines = NULL, coupons = NULL WHERE customer_id = 'bob' AND seq = 3"
        ],
        [("journal_changed", "bob", "BELL seq 3 or what it paid or booked")],
    ),
    "an entitlement removed": (
        ["DELETE FROM entitlement WHERE customer_id = 'bob' AND product_id = 'book-1'"],
        [("journal_changed", "bob", "BELL seq 3 or what it paid or booked")],
    ),
    "a transfer slipped in": (
        [
            "INSERT INTO transfer (bucket, customer_id, currency, seq, kind, reference, amount, balance, at, accounts,"
            " amounts) SELECT 0, 'ann', 'BELL', 0, 'credit', 'x', 5, 5, now(), '[]', '{}'"
        ],
        [("journal_slipped_in", "ann", "BELL seq 0")],
    ),
    "two transfers exchanged": (
        [
            "UPDATE transfer SET seq = -seq WHERE customer_id = 'ann' AND seq < 3",
            "UPDATE transfer SET seq = 3 + seq WHERE customer_id = 'ann' AND seq < 0",
        ],
        [
            ("journal_changed", "ann", "BELL seq 1 or what it paid or booked"),
            ("journal_changed", "ann", "BELL seq 2 or what it paid or booked"),
        ],
    ),
    "two customers' transfers exchanged": (
        [
            "UPDATE transfer SET customer_id = 'x' WHERE customer_id = 'ann' AND seq = 1",
            "UPDATE transfer SET customer_id = 'ann' WHERE customer_id = 'bob' AND seq = 1",
            "UPDATE transfer SET customer_id = 'bob' WHERE customer_id = 'x'",
        ],
        [
            ("journal_changed", "ann", "BELL seq 1 or what it paid or booked"),
            ("journal_changed", "bob", "BELL seq 1 or what it paid or booked"),
        ],
    ),
    "a transfer moved to another bucket": (
        ["UPDATE transfer SET bucket = 7 WHERE customer_id = 'ann' AND seq = 2"],
        [("journal_removed", "ann", "BELL seq 2")],
    ),
    "a customer's journal removed": (
        ["DELETE FROM transfer WHERE customer_id = 'ann'"],
        [("journal_removed", "ann", f"BELL seq {seq}") for seq in (1, 2, 3, 4)],
    ),
    "a customer removed with the seals": (
        [
            f"DELETE FROM {table} WHERE customer_id = 'ann'"
            for table in ("transfer", "entitlement", "credit", "wallet", "seal")
        ],
        [("seal_removed", "", "places 1 to 1 of the log"), ("seal_removed", "", "places 3 to 3 of the log")],
    ),
    "the newest transfer removed with its seal": (
        [
            "DELETE FROM transfer WHERE customer_id = 'ann' AND seq = 4",
            "DELETE FROM seal WHERE customer_id = 'ann' AND last_seq = 4",
        ],
        [("seal_removed", "", "places 3 to 3 of the log")],
    ),
    "an older seal removed": (
        ["DELETE FROM seal WHERE customer_id = 'ann' AND last_seq = 3"],
        [("seal_removed", "ann", "BELL seq 1 to 3"), ("seal_removed", "", "places 1 to 1 of the log")],
    ),
    "a digest changed": (
        ["UPDATE seal SET digests = set_byte(digests, 40, 255 - get_byte(digests, 40)) WHERE place = 1"],
        [
            ("seal_changed", "ann", "BELL seq 1 to 3"),
            ("journal_changed", "ann", "BELL seq 2 or what it paid or booked"),
        ],
    ),
    "digests cut short": (
        ["UPDATE seal SET digests = substr(digests, 1, 64) WHERE place = 1"],
        [("seal_changed", "ann", "BELL seq 1 to 3"), ("journal_slipped_in", "ann", "BELL seq 3")],
    ),
    "a chain changed": (
        ["UPDATE seal SET chain = sha256('x') WHERE place = 3"],
        [
            ("seal_changed", "ann", "BELL seq 4 to 4"),
            ("seal_changed", "ann", "BELL seq 4 to 4, place 3: its MAC does not fit"),
        ],
    ),
    "a MAC changed": (
        ["UPDATE seal SET mac = substr(sha256('x'), 1, 16) WHERE place = 2"],
        [("seal_changed", "bob", "BELL seq 1 to 3, place 2: its MAC does not fit")],
    ),
    "a seal under a key that nobody has": (
        ["UPDATE seal SET key_version = 9, currency = 'BALL' WHERE place = 2"],
        [
            ("journal_removed", "bob", "BALL seq 1"),
            ("journal_removed", "bob", "BALL seq 2"),
            ("journal_removed", "bob", "BALL seq 3"),
            ("log_changed", "", "places 1 to 2 are not what was signed"),
        ],
    ),
    "a seal slipped in": (
        ["INSERT INTO seal SELECT 9, 0, 'zoe', 'BELL', 1, 1, sha256('x'), sha256('x'), 1, ''"],
        [
            ("journal_removed", "zoe", "BELL seq 1"),
            ("seal_changed", "zoe", "BELL seq 1 to 1"),
            ("seal_slipped_in", "zoe", "BELL seq 1 to 1, place 9, after the last checkpoint"),
        ],
    ),
    "an older checkpoint removed": (
        ["DELETE FROM seal_checkpoint WHERE number = 1"],
        [("checkpoint_removed", "", "number 1 to 1")],
    ),
    "a checkpoint's signature changed": (
        [
            "UPDATE seal_checkpoint SET jws = overlay(jws PLACING"
            " CASE substr(jws, length(jws) - 40, 1) WHEN 'A' THEN 'B' ELSE 'A' END FROM length(jws) - 40 FOR 1)"
            " WHERE number = 1"
        ],
        [("checkpoint_changed", "", "number 1: the signature does not verify: something was changed")],
    ),
    "a checkpoint exchanged": (
        ["UPDATE seal_checkpoint a SET jws = b.jws FROM seal_checkpoint b WHERE a.number = 1 AND b.number = 2"],
        [("checkpoint_changed", "", "number 1: it is not what was signed")],
    ),
}


@pytest.mark.parametrize("name", CASES)
async def test_tampering_is_found_where_it_was(database_url: str, keyring: Keyring, name: str) -> None:
    statements, expected = CASES[name]
    await fill(database_url)
    await seal_all(database_url, keyring)
    await buy(database_url, "ann", "book-3")
    await seal_all(database_url, keyring)
    tamper(database_url, *statements)
    assert sorted(found(database_url, keyring)) == sorted(expected)
