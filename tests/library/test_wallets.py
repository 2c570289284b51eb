"""The wallet as its owner sees it at a moment: what is paid, what was given, what of it ends and when."""

from datetime import timedelta

import pytest

from lingdang.clock import system_clock
from lingdang.db.pool import Pool
from lingdang.ids import DEFAULT_CURRENCY
from lingdang.ledger.lots import lot_expiry, lot_name
from lingdang.library.wallets import Balance, Expiring, list_entries, view_wallet
from lingdang.paging import Window
from support.customers import owner_of
from support.money import credit, open_settlement

NOW = system_clock().replace(microsecond=0)
SOON, LATER = NOW + timedelta(hours=1), NOW + timedelta(days=1)


@pytest.fixture
async def filled(database_url: str) -> str:
    async with open_settlement(database_url) as settlement:
        await settlement.submit(credit("ann", 100))
        await settlement.submit(credit("ann", 5, kind="bonus", expires_at=LATER))
        await settlement.submit(credit("ann", 7, kind="bonus", expires_at=SOON))
    return database_url


@pytest.mark.parametrize(
    ("at", "bonus", "ends"),
    [
        (NOW, 12, [(7, SOON), (5, LATER)]),
        (SOON, 5, [(5, LATER)]),
        (LATER, 0, []),
    ],
)
async def test_what_has_ended_is_not_there(filled: str, at: object, bonus: int, ends: list[tuple[int, object]]) -> None:
    async with Pool(filled, 1, pgbouncer=False) as pool:
        view = await view_wallet(pool, owner_of("ann"), at)  # type: ignore[arg-type]
    expiring = [Expiring(amount, end) for amount, end in ends]  # type: ignore[arg-type]
    assert view.balances == [Balance("BELL", 100 + bonus, 100, bonus, 0, 0, expiring)]


async def test_who_never_had_bells_has_none_of_the_usual_ones(filled: str) -> None:
    async with Pool(filled, 1, pgbouncer=False) as pool:
        assert (await view_wallet(pool, owner_of("bob"), NOW)).balances == [
            Balance(DEFAULT_CURRENCY, 0, 0, 0, 0, 0, [])
        ]
        assert (await list_entries(pool, owner_of("bob"), Window(9, None))).items == []


async def test_movements_are_newest_first_with_the_lots_they_touched(filled: str) -> None:
    async with Pool(filled, 1, pgbouncer=False) as pool:
        page = await list_entries(pool, owner_of("ann"), Window(2, None))
        assert [(entry.seq, entry.amount, entry.balance) for entry in page.items] == [(3, 7, 112), (2, 5, 105)]
        [lot] = page.items[0].lots
        assert (lot.kind, lot.amount, lot.expires_at) == ("bonus", 7, lot_expiry(lot_name("bonus", SOON)))
        rest = await list_entries(pool, owner_of("ann"), Window(2, "2"))
        assert [entry.seq for entry in rest.items] == [1]
        assert rest.next_cursor is None
