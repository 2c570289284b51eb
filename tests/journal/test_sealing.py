"""The sealer: what it finds, what it leaves, who may run beside it, and the witness."""

import asyncio
from datetime import datetime, timedelta

import msgspec
import psycopg
from msgspec import structs
from structlog.testing import capture_logs

from lingdang.clock import system_clock
from lingdang.jose import from_base64url, to_base64url
from lingdang.journal.chain import entry_text
from lingdang.journal.positions import MAX_POSITION
from lingdang.journal.sealing import AT_MOST, Behind, portions
from lingdang.keys import Keyring, retire, rotate
from lingdang.ledger.reconcile import Difference
from support.customers import key_of, make_known
from support.journal import buy, checks, fill, in_flight, open_sealer, seal_all, sql, verify
from support.money import credit, line, open_settlement, pay


async def test_the_database_writes_the_text_that_python_writes(database_url: str) -> None:
    """Whatever stands in a text: this is what lets a statement be verified without the database."""
    await fill(database_url)
    odd = "".join(map(chr, range(1, 0x180))) + "铃铛\u2028\ufeff\U0001f514 \\\"' /"
    async with open_settlement(database_url) as settlement:
        await settlement.submit(credit("ann", 500, credit_id=odd))
        await settlement.submit(pay("ann", line("book-5", 7, 3, publisher=odd)))
    with psycopg.connect(database_url, autocommit=True) as connection:
        rows = connection.execute(
            "SELECT customer::text, seq, currency, kind, cause::text, reference, amount, balance, at, place::text,"
            " accounts, amounts, record, digest FROM journal_content('{0}', ARRAY[%s::bigint], '{0}', 10)",
            (key_of("ann"),),
        ).fetchall()
        for *members, digest in rows:
            assert connection.execute("SELECT sha256(convert_to(%s, 'UTF8'))", (entry_text(*members),)).fetchone() == (
                digest,
            )
    assert [seq for _, seq, *_ in rows] == [1, 2, 3, 4, 5]
    assert rows[3][5] == odd
    assert f"revenue:{odd}" in rows[-1][10]


async def test_an_empty_shop_is_not_signed(database_url: str, keyring: Keyring) -> None:
    assert await seal_all(database_url, keyring) == 0
    assert verify(database_url, keyring).differences == []
    assert sql(database_url, "SELECT count(*) FROM seal_checkpoint") == [(0,)]


async def test_a_wallet_with_much_to_seal(database_url: str, keyring: Keyring) -> None:
    async with open_settlement(database_url) as settlement:
        await asyncio.gather(*(settlement.submit(credit("ann", 1)) for _ in range(2 * AT_MOST + 7)))
    assert await seal_all(database_url, keyring) == 2 * AT_MOST + 7
    assert sql(database_url, "SELECT first_seq, last_seq FROM seal ORDER BY place") == [
        (1, AT_MOST),
        (AT_MOST + 1, 2 * AT_MOST),
        (2 * AT_MOST + 1, 2 * AT_MOST + 7),
    ]
    assert verify(database_url, keyring).differences == []


def test_a_portion_is_of_transfers_not_of_customers() -> None:
    """What one statement seals takes as long as it has transfers."""

    def lacking(*each: int) -> list[Behind]:
        return [Behind(0, place, 7, None, 7 + lacks) for place, lacks in enumerate(each)]

    behind = lacking(1, 1, 1, 3, 1, 4 * AT_MOST, 1)
    assert list(portions(behind, 3)) == [behind[:3], behind[3:4], behind[4:6], behind[6:]]
    assert list(portions(behind, 4 * AT_MOST + 8)) == [behind]
    assert list(portions(behind, 4 * AT_MOST + 7)) == [behind[:6], behind[6:]]
    assert list(portions([], 3)) == []


async def test_sealers_beside_each_other_while_payments_go_on(database_url: str, keyring: Keyring) -> None:
    await fill(database_url)

    async def pay_on() -> None:
        async with open_settlement(database_url) as settlement:
            for number in range(300):
                await settlement.submit(credit(f"cust-{number % 40}", 1))

    async def seal_until(paid: "asyncio.Task[None]") -> int:
        async with open_sealer(database_url, keyring) as sealer:
            while not paid.done():
                await sealer.round()
                await asyncio.sleep(0)
            await sealer.round()
            return sealer.sealed

    paying = asyncio.create_task(pay_on())
    counts = await asyncio.gather(seal_until(paying), seal_until(paying), paying)
    await seal_all(database_url, keyring)
    report = verify(database_url, keyring)
    assert (report.sealed, report.unsealed, report.differences) == (306, 0, [])
    assert sum(filter(None, counts)) <= 306


async def test_what_is_committed_late_is_sealed_in_its_turn(database_url: str, keyring: Keyring) -> None:
    """What ended after a settlement in flight began is left for the step after its end."""
    make_known(database_url, "ann", "bob")
    async with open_sealer(database_url, keyring) as sealer, open_settlement(database_url) as settlement:
        await settlement.submit(credit("bob", 1))
        async with in_flight(database_url, credit("ann", 7)) as slow:
            await settlement.submit(credit("bob", 1))
            await sealer.round()
            assert sealer.sealed == 1
            await slow.execute("COMMIT")
        await sealer.round()
        assert sealer.sealed == 3
    assert verify(database_url, keyring).differences == []


async def test_nobody_has_rows_passed_over(database_url: str, keyring: Keyring) -> None:
    """How far the journal was read is signed: the sealer goes on from there, and who moved it is found."""
    await fill(database_url)
    await seal_all(database_url, keyring)
    sql(database_url, f"UPDATE seal_checkpoint SET positions = ARRAY[{MAX_POSITION}]")
    await buy(database_url, "ann", "book-3")
    with capture_logs() as said:
        assert await seal_all(database_url, keyring) == 1
    assert "journal_positions_not_genuine" in {each["event"] for each in said}
    report = verify(database_url, keyring)
    assert report.unsealed == 0
    assert report.differences == [
        Difference("checkpoint_changed", "", "number 1: its positions are not what was signed")
    ]


def forge(jws: str) -> str:
    """The same checkpoint with another end of what was read; its signature no longer fits."""
    header, claims, signature = jws.split(".")
    forged = msgspec.json.decode(from_base64url(claims.encode())) | {"positions": [str(MAX_POSITION)]}
    return ".".join((header, to_base64url(msgspec.json.encode(forged)).decode(), signature))


async def test_a_forged_checkpoint_does_not_say_where_to_read_on(database_url: str, keyring: Keyring) -> None:
    """Its signature does not verify: the sealer reads on from the last one that does, and seals nothing twice."""
    await fill(database_url)
    await seal_all(database_url, keyring)
    await buy(database_url, "ann", "book-3")
    await seal_all(database_url, keyring)
    [(jws,)] = sql(database_url, "SELECT jws FROM seal_checkpoint WHERE number = 2")
    forged = f"jws = '{forge(str(jws))}', positions = ARRAY[{MAX_POSITION}]"
    sql(database_url, f"UPDATE seal_checkpoint SET {forged} WHERE number = 2")
    await buy(database_url, "ann", "book-4")
    assert await seal_all(database_url, keyring) == 1
    report = verify(database_url, keyring)
    assert (report.sealed, report.unsealed) == (8, 0)
    assert [difference.check for difference in report.differences] == ["checkpoint_changed", "journal_rolled_back"]


async def test_under_a_retired_key_the_journal_is_read_from_its_start(database_url: str, keyring: Keyring) -> None:
    """Nobody vouches for where it was read to; what is sealed already is not sealed again."""
    await fill(database_url)
    await seal_all(database_url, keyring)
    now = system_clock()
    rotate(keyring.path, now, now)
    retire(keyring.path, 1, now)
    sql(database_url, f"UPDATE seal_checkpoint SET positions = ARRAY[{MAX_POSITION}]")
    await buy(database_url, "ann", "book-3")
    left = Keyring(keyring.path)
    assert await seal_all(database_url, left) == 1
    assert (verify(database_url, left).sealed, verify(database_url, left).unsealed) == (7, 0)


async def test_one_chain_over_two_currencies(database_url: str, keyring: Keyring) -> None:
    async with open_settlement(database_url) as settlement:
        for number, currency in enumerate(("BELL", "GEM", "GEM", "BELL", "GEM")):
            command = credit("ann", 5, credit_id=f"c-{number}")
            await settlement.submit(structs.replace(command, currency=currency))
            await seal_all(database_url, keyring)
    assert sql(database_url, "SELECT first_seq, last_seq FROM seal ORDER BY place") == [(n, n) for n in range(1, 6)]
    report = verify(database_url, keyring)
    assert (report.sealed, report.unsealed, report.differences) == (5, 0, [])
    sql(database_url, "UPDATE transfer SET currency = 'BELL' WHERE seq = 3")
    [difference] = verify(database_url, keyring).differences
    assert (difference.check, difference.cust_id, difference.detail) == ("journal_changed", "ann", "BELL seq 3")


async def test_each_bucket_is_read_on_from_where_its_own_reading_ended(database_url: str, keyring: Keyring) -> None:
    """And all of them are sealed in one log."""
    async with open_settlement(database_url, buckets=3) as settlement:
        for turn in range(2):
            for number in range(8):
                await settlement.submit(credit(f"cust-{number}", 1, credit_id=f"c-{turn}"))
            assert await seal_all(database_url, keyring, buckets=3) == 8
    assert sql(database_url, "SELECT count(DISTINCT bucket), count(*), max(place) FROM seal") == [(3, 16, 16)]
    newest = "SELECT array_agg(p ORDER BY b) FROM (SELECT bucket AS b, max(position) AS p FROM transfer GROUP BY 1) t"
    assert sql(database_url, newest) == sql(database_url, "SELECT positions FROM seal_checkpoint WHERE number = 2")
    assert verify(database_url, keyring).differences == []


async def test_what_is_found_past_the_deadline_is_counted(database_url: str, keyring: Keyring) -> None:
    await fill(database_url)

    def later() -> datetime:
        return system_clock() + timedelta(hours=1)

    report = verify(database_url, keyring, later)
    assert [difference.check for difference in report.differences] == ["journal_unsealed"]
    assert report.differences[0].detail.startswith("6 transfers past the deadline, the oldest: ann BELL seq 1 of ")
    async with open_sealer(database_url, keyring, later) as sealer:
        await sealer.round()
        assert (sealer.overdue, sealer.sealed) == ({"transfer": 6}, 6), "looked at before they were sealed"
        await sealer.round()
        assert (sealer.overdue, sealer.sealed) == ({"transfer": 0}, 6)
        assert sealer.lag() < 5
    assert verify(database_url, keyring, later).differences == []


async def test_a_gap_is_not_sealed_over(database_url: str, keyring: Keyring) -> None:
    """Nor does it hold up anybody else; whose journal it is in is counted as overdue."""
    await fill(database_url)
    sql(database_url, f"DELETE FROM transfer WHERE customer = {key_of('ann')} AND seq = 2")
    async with open_sealer(database_url, keyring) as sealer:
        await sealer.round()
        assert sealer.sealed == 4
        for name in ("ann", "bob"):
            await buy(database_url, name, "book-5")
        await sealer.round()
        assert (sealer.sealed, sealer.overdue) == (5, {"transfer": 1})
    report = verify(database_url, keyring)
    assert (report.sealed, report.unsealed) == (5, 2)


async def test_a_gap_is_remembered_until_it_is_filled(database_url: str, keyring: Keyring) -> None:
    """By whichever sealer comes next: what stands behind it is sealed once the row is back, and counted until then."""
    await fill(database_url)
    sql(database_url, f"CREATE TABLE kept AS SELECT * FROM transfer WHERE customer = {key_of('ann')} AND seq = 2")
    sql(database_url, f"DELETE FROM transfer WHERE customer = {key_of('ann')} AND seq = 2")
    assert await seal_all(database_url, keyring) == 4
    for _ in range(2):
        async with open_sealer(database_url, keyring) as started_anew:
            await started_anew.round()
            assert (started_anew.sealed, started_anew.overdue) == (0, {"transfer": 1})
    sql(database_url, "INSERT INTO transfer SELECT * FROM kept")
    async with open_sealer(database_url, keyring) as after_that:
        await after_that.round()
        await after_that.round()
        assert (after_that.sealed, after_that.overdue) == (2, {"transfer": 0})
    report = verify(database_url, keyring)
    assert (report.sealed, report.unsealed, report.differences) == (6, 0, [])


async def test_behind_a_gap_may_be_another(database_url: str, keyring: Keyring) -> None:
    await fill(database_url)
    await buy(database_url, "ann", "book-5")
    sql(database_url, f"CREATE TABLE kept AS SELECT * FROM transfer WHERE customer = {key_of('ann')}")
    sql(database_url, f"DELETE FROM transfer WHERE customer = {key_of('ann')} AND seq IN (1, 3)")
    assert await seal_all(database_url, keyring) == 3
    for seq, sealed in ((1, 2), (3, 2)):
        sql(database_url, f"INSERT INTO transfer SELECT * FROM kept WHERE seq = {seq}")
        assert await seal_all(database_url, keyring) == sealed
    assert sql(database_url, "SELECT count(*) FROM seal_gap") == [(0,)]
    assert verify(database_url, keyring).differences == []


async def test_a_new_key_signs_anew_and_the_old_one_can_go(database_url: str, keyring: Keyring) -> None:
    await fill(database_url)
    await seal_all(database_url, keyring)
    now = system_clock()
    rotate(keyring.path, now, now)
    fresh = Keyring(keyring.path)
    await seal_all(database_url, fresh)
    await buy(database_url, "ann", "book-3")
    await seal_all(database_url, fresh)
    retire(keyring.path, 1, now)
    left = Keyring(keyring.path)
    assert verify(database_url, left).differences == []
    sql(database_url, "UPDATE seal SET chain = sha256('x') WHERE place = 2")
    assert checks(database_url, left) == ["seal_changed", "log_changed"]


async def test_the_newest_checkpoint_has_to_be_under_a_key_in_use(database_url: str, keyring: Keyring) -> None:
    await fill(database_url)
    await seal_all(database_url, keyring)
    now = system_clock()
    rotate(keyring.path, now, now)
    retire(keyring.path, 1, now)
    left = Keyring(keyring.path)
    assert checks(database_url, left) == ["checkpoint_unverified"]
    await seal_all(database_url, left)
    assert checks(database_url, left) == []
