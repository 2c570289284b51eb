"""Money goes back as its provider says that it did: bells first, once for each refundId, and never where it refuses."""

import asyncio
from collections.abc import AsyncIterator, Collection
from datetime import timedelta
from typing import Any
from uuid import UUID

import msgspec
import pytest

from lingdang.errors import Problem
from lingdang.keys import Keyring
from lingdang.ledger.adjusting import Adjust
from lingdang.topup.money import Money
from lingdang.topup.providers.provider import GivenBack, Refused, Unavailable
from lingdang.topup.providers.sandbox import Sandbox
from lingdang.topup.returning import cash_days
from lingdang.topup.rows import TopupRow
from support.money import add_products, line, pay
from support.till import Till, till_of

DAY = 86_400


class Moody(Sandbox):
    """Refuses, or is away, when it is told to be. `failed` refunds did not reach the payer, or are `pending`."""

    mood: Exception | None = None
    failed: Collection[str] = ()
    pending: Collection[str] = ()

    def refund(self, topup_id: UUID, reference: str, refund_id: str, amount: Money, received: Money) -> GivenBack:
        if self.mood is not None:
            raise self.mood
        if refund_id in self.failed:
            standing = self.ask(topup_id, reference)
            assert standing is not None
            return GivenBack(standing=standing, state="failed", reason="expired_card")
        given = super().refund(topup_id, reference, refund_id, amount, received)
        return msgspec.structs.replace(given, state="pending") if refund_id in self.pending else given

    def fail(self, row: TopupRow, refund_id: str, amount: int) -> None:
        """A refund that was made fails: the money is the shop's again, and nothing is told."""
        self.failed = {*self.failed, refund_id}
        with self._connected() as connection:
            found = self._find(connection, row.topup_id)
            assert found is not None
            self._save(connection, found, refunded=found.refunded - amount)


async def give_back(till: Till, row: TopupRow, refund_id: str = "r-1", amount: int | None = None) -> tuple[str, int]:
    done = await till.topups.returning.give_back(row.topup_id, refund_id, amount)
    return done.status, done.amount


async def why_not(till: Till, row: TopupRow, refund_id: str = "r-1", amount: int | None = None) -> str:
    with pytest.raises(Problem) as refused:
        await give_back(till, row, refund_id, amount)
    return str(refused.value.members.get("reasons", {}).get("topup", refused.value.code))


@pytest.mark.parametrize(("setting", "days"), [("off", 0), ("days:14", 14), ("days:1", 1)])
def test_the_setting_tells_for_how_many_days_what_is_left_has_a_price(setting: str, days: int) -> None:
    assert cash_days(setting) == days


async def test_without_an_amount_what_is_left_goes_back_at_what_it_cost(till: Till, database_url: str) -> None:
    add_products(database_url, "book")
    row = await till.paid()
    await till.topups.settlement.submit(pay("ann", line("book", price=331)))
    assert await give_back(till, row) == ("done", 600 * 329 // 660)
    assert await give_back(till, row) == ("done", 299), "the same one"
    assert await why_not(till, row, amount=298) == "idempotency_mismatch"
    assert await why_not(till, row, "r-2") == "nothing_left"
    assert (await till.found(row)).refunded == 299


async def test_what_is_left_has_a_price_for_so_many_days_after_the_credit(till: Till) -> None:
    row = await till.begun()
    assert await why_not(till, row) == "not_credited"
    await till.play(row, "pay")
    till.hands.forward(14 * DAY + 5)
    assert await why_not(till, row) == "too_late"
    assert await give_back(till, row, amount=600) == ("done", 600), "an amount may be named at any time"


@pytest.mark.parametrize(("spent", "refund", "balance"), [(660, ("refused", 600), 0), (331, ("done", 299), 1)])
async def test_what_is_spent_while_it_is_asked_for_is_not_paid_out(
    till: Till, monkeypatch: pytest.MonkeyPatch, spent: int, refund: tuple[str, int], balance: int
) -> None:
    row = await till.paid()
    hold = till.topups.following.hold

    async def spend_first(topup_id: UUID, refund_id: str) -> TopupRow:
        await till.topups.settlement.submit(
            Adjust(
                customer=row.customer,
                adjustment_id="spent",
                currency="BELL",
                amount=-spent,
                reason="other",
                note=None,
            )
        )
        return await hold(topup_id, refund_id)

    monkeypatch.setattr(till.topups.following, "hold", spend_first)
    assert await give_back(till, row) == refund
    assert till.sql("SELECT balance, debt FROM wallet") == [(balance, 0)]
    assert (await till.found(row)).refunded == (refund[1] if refund[0] == "done" else 0)


async def test_what_is_left_is_paid_out_once_its_bells_are_taken_by_whoever_carries_it_on(
    till: Till, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = await till.paid()
    with monkeypatch.context() as dying:
        dying.setattr(till.topups.following, "hold", None)
        with pytest.raises(TypeError):
            await give_back(till, row)
    await till.play(row, "refund:100")
    assert till.bells()[-1][2] == 550, "it promises nothing while its bells are not taken"
    await carried_on(till)
    assert (await till.found(row)).refunded == 600
    assert till.sql("SELECT balance, debt FROM wallet") == [(0, 0)]


async def test_where_the_shop_gives_no_money_for_bells_an_amount_has_to_be_named(
    database_url: str, keyring: Keyring
) -> None:
    async with till_of(database_url, keyring) as till:
        row = await till.paid()
        assert await why_not(till, row) == "cash_refunds_off"
        assert await give_back(till, row, amount=1) == ("done", 1)


@pytest.fixture
def moody(database_url: str, keyring: Keyring) -> Moody:
    return Moody("sandbox", database_url, keyring, "")


@pytest.fixture
async def bank(database_url: str, keyring: Keyring, moody: Moody) -> AsyncIterator[Till]:
    """A shop whose sandbox is moody."""
    async with till_of(database_url, keyring, sandbox=moody) as opened:
        yield opened


async def test_what_the_provider_refuses_has_its_bells_come_back(bank: Till, moody: Moody) -> None:
    row = await bank.paid()
    moody.mood = Refused("too_late")
    assert await give_back(bank, row, amount=600) == ("refused", 600)
    assert [balance for *_, balance in bank.bells()] == [660, 0, 660]
    moody.mood = None
    assert await give_back(bank, row, amount=600) == ("refused", 600), "it stays so"
    assert await give_back(bank, row, "r-2", 600) == ("done", 600)
    assert bank.bells()[-1][2] == 0


@pytest.mark.parametrize("ended", [Problem("overloaded"), RuntimeError("killed")])
async def test_a_refusal_whose_bells_did_not_come_back_at_once_is_carried_on(
    bank: Till, moody: Moody, monkeypatch: pytest.MonkeyPatch, ended: Exception
) -> None:
    row = await bank.paid()
    moody.mood = Refused("too_late")
    submit, submitted = bank.topups.settlement.submit, 0

    async def once(command: Any) -> Any:
        nonlocal submitted
        submitted += 1
        if submitted == 2:
            raise ended
        return await submit(command)

    monkeypatch.setattr(bank.topups.settlement, "submit", once)
    with pytest.raises(type(ended)):
        await give_back(bank, row, amount=600)
    assert bank.bells()[-1][2] == 0
    bank.hands.forward(61)
    await bank.topups.returning.run("sandbox")
    assert bank.bells()[-1][2] == 660
    assert await give_back(bank, row, amount=600) == ("refused", 600)


async def test_what_a_provider_that_is_away_does_not_take_is_carried_on_later_and_the_bells_are_gone_meanwhile(
    bank: Till, moody: Moody
) -> None:
    row = await bank.paid()
    moody.mood = Unavailable()
    assert await give_back(bank, row, amount=600) == ("pending", 600)
    assert bank.bells()[-1][2] == 0
    moody.mood = None
    await bank.topups.returning.run("sandbox")
    assert (await bank.found(row)).refunded == 0, "not before its time"
    bank.hands.forward(61)
    for _ in range(2):
        await bank.topups.returning.run("sandbox")
    assert (await bank.found(row)).refunded == 600
    assert await give_back(bank, row, amount=600) == ("done", 600)


async def carried_on(till: Till) -> None:
    till.hands.forward(2 * DAY)
    await till.topups.returning.run("sandbox")


async def asked_for(till: Till, row: TopupRow) -> None:
    """The provider is asked how the payment stands."""
    await till.topups.asking.ask(await till.found(row))


async def test_a_refund_that_failed_before_its_answer_came_is_over_and_the_next_one_is_made(
    bank: Till, moody: Moody
) -> None:
    row = await bank.paid()
    moody.failed = {"r-1"}
    assert await give_back(bank, row, amount=300) == ("refused", 300)
    assert bank.sql("SELECT refused FROM topup_refund") == [("expired_card",)]
    assert bank.bells()[-1][2] == 660
    assert await give_back(bank, row, "r-2", 200) == ("done", 200)
    assert bank.bells()[-1][2] == 440


async def test_a_refund_that_is_with_the_bank_is_asked_for_until_it_is_done_or_has_failed(
    bank: Till, moody: Moody
) -> None:
    row = await bank.paid()
    moody.pending = {"r-1", "r-2"}
    assert await give_back(bank, row, amount=300) == ("pending", 300)
    assert await give_back(bank, row, "r-2", 100) == ("pending", 100), "the first one has its answer"
    assert bank.bells()[-1][2] == 220
    moody.pending = ()
    moody.fail(row, "r-2", 100)
    await carried_on(bank)
    assert await give_back(bank, row, amount=300) == ("done", 300)
    assert await give_back(bank, row, "r-2", 100) == ("refused", 100)
    assert bank.bells()[-1][2] == 330


async def test_a_refund_that_fails_after_it_was_done_is_refused_then(bank: Till, moody: Moody) -> None:
    row = await bank.paid()
    for refund_id in ("r-1", "r-2"):
        assert await give_back(bank, row, refund_id, 200) == ("done", 200)
    moody.fail(row, "r-1", 200)
    await asked_for(bank, row)
    assert bank.bells()[-1][2] == 440
    await carried_on(bank)
    assert await give_back(bank, row, "r-1", 200) == ("refused", 200)
    assert await give_back(bank, row, "r-2", 200) == ("done", 200)
    assert bank.bells()[-1][2] == 440


async def test_a_refund_under_way_is_not_measured_by_one_before_it_that_fails(bank: Till, moody: Moody) -> None:
    row = await bank.paid()
    assert await give_back(bank, row, "r-1", 300) == ("done", 300)
    moody.mood = Unavailable()
    assert await give_back(bank, row, "r-2", 200) == ("pending", 200)
    moody.fail(row, "r-1", 300)
    await asked_for(bank, row)
    assert bank.bells()[-1][2] == 440, "the second one is still promised"
    moody.mood = None
    await carried_on(bank)
    assert await give_back(bank, row, "r-2", 200) == ("done", 200)
    assert (bank.bells()[-1][2], (await bank.found(row)).refunded) == (440, 200)


async def test_a_refund_ends_though_the_providers_clock_was_ahead_of_its_answer(bank: Till, moody: Moody) -> None:
    row = await bank.paid()
    standing = moody.ask(row.topup_id, row.reference)
    assert standing is not None
    ahead = msgspec.structs.replace(standing, at=bank.hands() + timedelta(days=9))
    for entry in await bank.taken_in(ahead):
        await bank.topups.following.carry_out(*entry)
    assert await give_back(bank, row, amount=200) == ("done", 200)
    assert bank.bells()[-1][2] == 440


async def test_what_somebody_else_gives_back_is_not_taken_for_a_refund_without_an_answer(
    bank: Till, moody: Moody
) -> None:
    row = await bank.paid()
    moody.mood = Unavailable()
    assert await give_back(bank, row, amount=300) == ("pending", 300)
    await bank.play(row, "refund:300")
    assert bank.bells()[-1][2] == 0
    moody.mood = None
    await carried_on(bank)
    assert (await bank.found(row)).refunded == 600
    assert [balance for *_, balance in bank.bells()] == [660, 330, 0]


async def test_a_notification_that_is_faster_than_the_answer_takes_no_bells_twice(
    database_url: str, keyring: Keyring
) -> None:
    class Slow(Moody):
        """Its notification comes before its answer."""

        def refund(self, *asked: Any) -> GivenBack:
            given = super().refund(*asked)
            told = till.taken_in(given.standing)
            [entry] = asyncio.run_coroutine_threadsafe(told, loop).result()
            asyncio.run_coroutine_threadsafe(till.topups.following.carry_out(*entry), loop).result()
            return given

    loop = asyncio.get_running_loop()
    async with till_of(database_url, keyring, sandbox=Slow("sandbox", database_url, keyring, "")) as till:
        row = await till.paid()
        assert await give_back(till, row, amount=300) == ("done", 300)
        assert [balance for *_, balance in till.bells()] == [660, 330]
