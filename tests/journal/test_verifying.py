"""Whatever is changed behind the application's back is found, and where it is."""

from collections.abc import Sequence
from uuid import UUID

import psycopg
import pytest

from lingdang.keys import Keyring
from lingdang.ledger.refunding import Refund
from support.customers import key_of
from support.journal import buy, fill, seal_all, sql, verify
from support.money import open_settlement


def tamper(database_url: str, *statements: str) -> None:
    """SQL as a superuser sends it who has put the constraints aside."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        for (name,) in connection.execute(
            "SELECT conname FROM pg_constraint WHERE conrelid = 'transfer'::regclass AND contype = 'c'"
        ).fetchall():
            connection.execute(f'ALTER TABLE transfer DROP CONSTRAINT "{name}"'.encode())
        for statement in statements:
            connection.execute(statement.encode())


def found(database_url: str, keyring: Keyring) -> list[tuple[str, str, str]]:
    return [(d.check, d.cust_id, d.detail) for d in verify(database_url, keyring).differences]


ANN, BOB, NOBODY = key_of("ann"), key_of("bob"), 7

PAYMENT = {
    "currency": "'BALL'",
    "kind": "'expiry'",
    "cause": "gen_random_uuid()",
    "amount": "amount + 1",
    "balance": "balance + 1",
    "at": "at + interval '1 microsecond'",
    "position": "position + 1",
    "accounts": "replace(accounts::text, 'wallet:paid', 'wallet:bonus')::json",
    "amounts": "array_append(amounts, 0)",
    "detail": "replace(detail::text, 'book-2', 'book-9')::json",
}
DETAILS = {
    "a payment's detail": (3, "replace(detail::text, '[', '[ ')::json"),
    "a payment without its order": (3, "'[[], []]'"),
    "a voucher that was not used": (3, "json_build_array(detail->0, json_build_array(json_build_array(cause, 1)))"),
    "a credit's id": (1, "replace(detail::text, 'first', 'third')::json"),
    "a credit's kind": (1, "replace(detail::text, 'paid', 'bonus')::json"),
    "a credit's reason": (1, "replace(detail::text, 'test', 'gift')::json"),
    "a credit's expiry": (1, """(rtrim(detail::text, '}') || ', "expiresAt": "2999-01-01T00:00:00Z"}')::json"""),
}


async def test_what_is_sealed_is_sound(database_url: str, keyring: Keyring) -> None:
    await fill(database_url)
    assert await seal_all(database_url, keyring) == 6
    report = verify(database_url, keyring)
    assert (report.sealed, report.unsealed, report.seals, report.checkpoints) == (6, 0, 2, 1)
    assert report.differences == []


async def test_every_column_of_every_row_is_sealed(database_url: str, keyring: Keyring) -> None:
    """Each column in turn, and each member of what is fixed about a row, is changed, found at its seq, and put back."""
    await fill(database_url)
    await seal_all(database_url, keyring)
    tamper(database_url)
    cases = [(column, 3, f"{column} = {value}") for column, value in PAYMENT.items()]
    cases += [(name, seq, f"detail = {value}") for name, (seq, value) in DETAILS.items()]
    for name, seq, change in cases:
        currency = "BALL" if name == "currency" else "BELL"
        with psycopg.connect(database_url, autocommit=True) as connection:
            connection.execute("CREATE TABLE kept AS SELECT * FROM transfer")
            connection.execute(f"UPDATE transfer SET {change} WHERE customer = {ANN} AND seq = {seq}".encode())
            changed = connection.execute("SELECT t::text FROM transfer t EXCEPT SELECT k::text FROM kept k").fetchall()
            assert len(changed) == 1, name
            assert found(database_url, keyring) == [("journal_changed", "ann", f"{currency} seq {seq}")], name
            connection.execute("TRUNCATE transfer")
            connection.execute("INSERT INTO transfer SELECT * FROM kept")
            connection.execute("DROP TABLE kept")
    assert found(database_url, keyring) == []


REFUND = {
    "less is back": "amount = amount - 10, balance = balance - 10",
    "another order": """detail = jsonb_set(detail::jsonb, '{orderId}', to_jsonb(gen_random_uuid()))""",
    "another line": """detail = replace(detail::text, 'book-2', 'book-1')::json""",
    "more for a line": """detail = jsonb_set(detail::jsonb, '{lines,0,1}', '51')""",
    "another reason": """detail = replace(detail::text, 'fraud', 'goodwill')::json""",
    "a note that nobody wrote": """detail = replace(detail::text, 'chargeback', 'a regular')::json""",
    "the customer's own": """detail = replace(detail::text, 'operator', 'customer')::json""",
    "a voucher that did not come back": """detail = jsonb_set(detail::jsonb, '{vouchers}', to_jsonb(ARRAY[cause]))""",
    "into another lot": """accounts = replace(accounts::text, 'wallet:paid', 'wallet:bonus')::json""",
    "from another publisher": """accounts = replace(accounts::text, 'revenue:', 'revenue:Penguin')::json""",
    "a year ago": "at = at - interval '1 year'",
    "no refund": "kind = 'credit'",
}


async def test_every_part_of_a_refund_is_sealed(database_url: str, keyring: Keyring) -> None:
    """A refund is a row like any other: whatever is changed in it is found at its seq, and so is its removal."""
    await fill(database_url)
    await give_back(database_url)
    await seal_all(database_url, keyring)
    tamper(database_url, "CREATE TABLE kept AS SELECT * FROM transfer")
    for name, change in REFUND.items():
        tamper(database_url, f"UPDATE transfer SET {change} WHERE kind = 'refund'")
        assert found(database_url, keyring) == [("journal_changed", "ann", "BELL seq 4")], name
        tamper(database_url, "TRUNCATE transfer", "INSERT INTO transfer SELECT * FROM kept")
    tamper(database_url, "DELETE FROM transfer WHERE kind = 'refund'")
    assert found(database_url, keyring) == [("journal_removed", "ann", "seq 4")]
    tamper(database_url, "INSERT INTO transfer SELECT * FROM kept WHERE kind = 'refund'")
    assert found(database_url, keyring) == []


async def give_back(database_url: str) -> None:
    """An operator's refund of the second book of Ann's order, which is her fourth row."""
    [(order_id,)] = sql(database_url, f"SELECT cause FROM transfer WHERE customer = {ANN} AND kind = 'payment'")
    async with open_settlement(database_url) as settlement:
        await settlement.submit(
            Refund(
                customer=ANN,
                order_id=UUID(str(order_id)),
                refund_id="back",
                by="operator",
                ordered=("book-1", "book-2"),
                product_ids=("book-2",),
                keep_discount=True,
                reason="fraud",
                note="chargeback",
            )
        )


async def test_no_column_is_forgotten(database_url: str) -> None:
    """A column that is added to the journal has to be sealed as well."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        columns = connection.execute(
            "SELECT attname FROM pg_attribute WHERE attrelid = 'transfer'::regclass AND attnum > 0 AND NOT attisdropped"
        ).fetchall()
    assert {name for (name,) in columns} == {"bucket", "customer", "seq"} | set(PAYMENT)


CASES: dict[str, tuple[Sequence[str], list[tuple[str, str, str]]]] = {
    "a transfer removed": (
        [f"DELETE FROM transfer WHERE customer = {ANN} AND seq = 2"],
        [("journal_removed", "ann", "seq 2")],
    ),
    "the newest transfer removed": (
        [f"DELETE FROM transfer WHERE customer = {ANN} AND seq = 3"],
        [("journal_removed", "ann", "seq 3")],
    ),
    "a transfer slipped in": (
        [
            "INSERT INTO transfer SELECT 5, 5, now(), 1, customer, 0, bucket, currency, kind, '{}', '[]',"
            f" gen_random_uuid(), detail FROM transfer WHERE customer = {ANN} AND seq = 1"
        ],
        [("journal_slipped_in", "ann", "BELL seq 0")],
    ),
    "two transfers exchanged": (
        [
            f"UPDATE transfer SET seq = -seq WHERE customer = {ANN} AND seq < 3",
            f"UPDATE transfer SET seq = 3 + seq WHERE customer = {ANN} AND seq < 0",
        ],
        [
            ("journal_changed", "ann", "BELL seq 1"),
            ("journal_changed", "ann", "BELL seq 2"),
        ],
    ),
    "two customers' transfers exchanged": (
        [
            f"UPDATE transfer SET customer = {NOBODY} WHERE customer = {ANN} AND seq = 1",
            f"UPDATE transfer SET customer = {ANN} WHERE customer = {BOB} AND seq = 1",
            f"UPDATE transfer SET customer = {BOB} WHERE customer = {NOBODY}",
        ],
        [
            ("journal_changed", "ann", "BELL seq 1"),
            ("journal_changed", "bob", "BELL seq 1"),
        ],
    ),
    "a transfer moved to another bucket": (
        [f"UPDATE transfer SET bucket = 7 WHERE customer = {ANN} AND seq = 2"],
        [("journal_removed", "ann", "seq 2")],
    ),
    "a customer's journal removed": (
        [f"DELETE FROM transfer WHERE customer = {ANN}"],
        [("journal_removed", "ann", f"seq {seq}") for seq in (1, 2, 3, 4)],
    ),
    "a customer removed with the seals": (
        [f"DELETE FROM {table} WHERE customer = {ANN}" for table in ("transfer", "entitlement", "wallet", "seal")],
        [("seal_removed", "", "places 1 to 1 of the log"), ("seal_removed", "", "places 3 to 3 of the log")],
    ),
    "the newest transfer removed with its seal": (
        [
            f"DELETE FROM transfer WHERE customer = {ANN} AND seq = 4",
            f"DELETE FROM seal WHERE customer = {ANN} AND last_seq = 4",
        ],
        [("seal_removed", "", "places 3 to 3 of the log")],
    ),
    "an older seal removed": (
        [f"DELETE FROM seal WHERE customer = {ANN} AND last_seq = 3"],
        [("seal_removed", "ann", "seq 1 to 3"), ("seal_removed", "", "places 1 to 1 of the log")],
    ),
    "a digest changed": (
        ["UPDATE seal SET digests = set_byte(digests, 40, 255 - get_byte(digests, 40)) WHERE place = 1"],
        [
            ("seal_changed", "ann", "seq 1 to 3"),
            ("journal_changed", "ann", "BELL seq 2"),
        ],
    ),
    "digests cut short": (
        ["UPDATE seal SET digests = substr(digests, 1, 64) WHERE place = 1"],
        [("seal_changed", "ann", "seq 1 to 3"), ("journal_slipped_in", "ann", "BELL seq 3")],
    ),
    "a chain changed": (
        ["UPDATE seal SET chain = sha256('x') WHERE place = 3"],
        [
            ("seal_changed", "ann", "seq 4 to 4"),
            ("seal_changed", "ann", "seq 4 to 4, place 3: its MAC does not fit"),
        ],
    ),
    "a MAC changed": (
        ["UPDATE seal SET mac = substr(sha256('x'), 1, 16) WHERE place = 2"],
        [("seal_changed", "bob", "seq 1 to 3, place 2: its MAC does not fit")],
    ),
    "a seal under a key that nobody has": (
        [f"UPDATE seal SET key_version = 9, customer = {NOBODY} WHERE place = 2"],
        [
            *(("journal_removed", "7", f"seq {seq}") for seq in (1, 2, 3)),
            ("log_changed", "", "places 1 to 2 are not what was signed"),
        ],
    ),
    "a seal slipped in": (
        [f"INSERT INTO seal SELECT 9, {NOBODY}, 0, 1, 1, sha256('x'), sha256('x'), 1, ''"],
        [
            ("journal_removed", "7", "seq 1"),
            ("seal_changed", "7", "seq 1 to 1"),
            ("seal_slipped_in", "7", "seq 1 to 1, place 9, after the last checkpoint"),
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
    "how far the journal was read": (
        ["UPDATE seal_checkpoint SET positions[1] = positions[1] + 1 WHERE number = 2"],
        [("checkpoint_changed", "", "number 2: its positions are not what was signed")],
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
