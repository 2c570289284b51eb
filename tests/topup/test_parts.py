"""The parts of one process: each account has healers of its own, and a store those that only stores need."""

from lingdang.keys import Keyring
from lingdang.topup.inbox import Place
from support.stores import Store
from support.till import Till, till_of

EVERYBODYS = {"inbox", "gifts", "accepted", "forgetting", "counting"}


async def test_an_account_has_its_own_healers_and_a_store_those_of_stores_too(
    database_url: str, keyring: Keyring
) -> None:
    async with till_of(database_url, keyring, ("store", Store())) as till:
        names = till.topups.care(till.topups.pool).healers.keys()
    ours = {f"{work} sandbox" for work in ("asking", "returning", "comparing")}
    stores = {f"{work} store" for work in ("asking", "returning", "comparing", "inbox", "finishing")}
    assert names == EVERYBODYS | ours | stores


async def left_behind(till: Till, account: str) -> Place:
    """A sound notification whose process was killed right after it had taken it in."""
    row = await till.begun()
    [sending] = till.sandbox.play(row.topup_id, "pay") or []
    read = till.sandbox.read(sending.headers, sending.body, till.hands())
    taken = await till.topups.inbox.take(account, read, sending.headers, sending.body, till.hands())
    assert taken is not None
    return taken[0]


async def test_what_was_left_in_the_inbox_is_carried_out_when_it_is_due(till: Till) -> None:
    await left_behind(till, "sandbox")
    healer = till.topups.care(till.topups.pool).healers["inbox"]
    await healer.heal()
    assert till.bells() == []
    till.hands.forward(11)
    await healer.heal()
    assert till.bells() == [("topup", 660, 660)]
    assert till.sql("SELECT 1 FROM topup_waiting") == []


async def test_what_is_older_than_the_setting_says_is_forgotten_unless_it_waits(
    database_url: str, keyring: Keyring
) -> None:
    async with till_of(database_url, keyring, topup_inbox_days=1) as till:
        await till.paid()
        await left_behind(till, "sandbox")
        healer = till.topups.care(till.topups.pool).healers["forgetting"]
        till.hands.forward(86_000)
        await healer.heal()
        assert till.sql("SELECT count(*) FROM topup_notification") == [(2,)]
        till.hands.forward(500)
        await healer.heal()
        assert till.sql("SELECT count(*) FROM topup_notification") == [(1,)]
