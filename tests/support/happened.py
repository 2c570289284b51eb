"""A shop in which everything happened that the ledger can write, past the server, while its clock is put forward."""

from datetime import timedelta
from hashlib import sha256
from typing import Any
from uuid import UUID

from msgspec import structs

from lingdang.ledger import (
    adjusting,
    crediting,
    expiring,
    granting,
    redeeming,
    refunding,
    reversing,
    taking_back,
    topping_up,
)
from lingdang.ledger.done import Done
from lingdang.ledger.lines import UsedVoucher
from lingdang.ledger.lots import LotKind
from lingdang.ledger.rules import Command
from lingdang.ledger.settlement import Settlement
from support.customers import key_of, make_known
from support.hands import Hands
from support.journal import sql
from support.money import add_products, line, open_settlement, pay

CUSTOMERS = ("ann", "bob", "cleo", "dan", "eve")
DAY = 86_400

_HAND_OUT = """
INSERT INTO coupon (coupon_id, definition, status, per_customer, claimed, created_at, updated_at)
VALUES ('ten', '{"name": "Ten off", "effect": {"kind": "fixed", "amount": 10}}', 'active', 9, 5, now(), now());
INSERT INTO voucher (bucket, customer, voucher_id, coupon_id, claimed_at, expires_at)
SELECT customer % BUCKETS, customer, gen_random_uuid(), 'ten', now(), now() + interval '1 year' FROM customer;
"""


class Story:
    """Commands to a settlement, in few words."""

    def __init__(self, database_url: str, settlement: Settlement, clock: Hands) -> None:
        self._database_url = database_url
        self._settlement = settlement
        self._clock = clock

    async def _do(self, command: Command) -> Any:
        done: Done = await self._settlement.submit(command)
        return done.record

    async def credit(
        self,
        who: str,
        amount: int,
        name: str,
        kind: LotKind = "paid",
        days: int | None = None,
        currency: str = "BELL",
    ) -> crediting.Credited:
        end = None if days is None else self._clock() + timedelta(days=days)
        command = crediting.Credit(
            customer=key_of(who),
            credit_id=name,
            currency=currency,
            amount=amount,
            kind=kind,
            expires_at=end,
            reason="test",
        )
        credited: crediting.Credited = await self._do(command)
        return credited

    async def top_up(
        self, who: str, number: int, paid: int, bonus: int, days: int | None = None
    ) -> topping_up.ToppedUp:
        """A top-up, for one fen a paid bell."""
        command = topping_up.TopUp(
            customer=key_of(who),
            topup_id=UUID(int=number),
            currency="BELL",
            paid=paid,
            bonus=bonus,
            bonus_expires_at=None if days is None else self._clock() + timedelta(days=days),
            provider="sandbox",
            price=paid,
            price_currency="CNY",
        )
        topped: topping_up.ToppedUp = await self._do(command)
        return topped

    async def money_back(self, who: str, number: int, refunded: int = 0, disputed: int = 0) -> taking_back.TakenBack:
        """How the provider says that a top-up stands now."""
        command = taking_back.TakeBack(
            customer=key_of(who),
            topup_id=UUID(int=number),
            refunded=refunded,
            disputed=disputed,
            reason="disputed" if disputed else "refunded",
        )
        stands: taking_back.TakenBack = await self._do(command)
        return stands

    async def redeem(self, who: str, amount: int, name: str, days: int) -> None:
        gift = redeeming.Redeem(
            customer=key_of(who),
            gift_id=sha256(name.encode()).hexdigest(),
            campaign="spring",
            currency="BELL",
            amount=amount,
            expires_at=self._clock() + timedelta(days=days),
        )
        await self._do(gift)

    async def take_back(self, who: str, credit: crediting.Credited) -> None:
        reverse = reversing.Reverse(
            customer=key_of(who),
            credit_id=credit.credit_id,
            currency=credit.currency,
            lot=credit.lot,
            amount=credit.amount,
            reason="a mistake",
        )
        await self._do(reverse)

    async def adjust(self, who: str, amount: int, name: str) -> None:
        adjust = adjusting.Adjust(
            customer=key_of(who), adjustment_id=name, currency="BELL", amount=amount, reason="audit", note="seen by us"
        )
        await self._do(adjust)

    async def buy(self, who: str, *books: str, price: int = 100, saves: int = 0) -> Any:
        """The order that was paid; with `saves` it used the customer's voucher up, on its first line."""
        lines = [line(book, price, saves if number == 0 else 0) for number, book in enumerate(books)]
        order = pay(who, *lines, expires_at=self._clock() + timedelta(minutes=15))
        if saves:
            sought = f"SELECT voucher_id FROM voucher WHERE customer = {key_of(who)} AND used_by IS NULL"
            [(voucher_id,)] = sql(self._database_url, sought)
            order = structs.replace(order, vouchers=(UsedVoucher(str(voucher_id), saves),))
        return await self._do(order)

    async def give_back(
        self, order: Any, name: str, *books: str, by: refunding.By = "operator", extend: int | None = 30
    ) -> None:
        refund = refunding.Refund(
            customer=order.customer,
            order_id=order.order_id,
            refund_id=name,
            by=by,
            ordered=tuple(line.product_id for line in order.lines),
            product_ids=books or None,
            reason="customer_request",
            note="called us",
            extend=None if extend is None else timedelta(days=extend),
        )
        await self._do(refund)

    async def grant(self, who: str, book: str, name: str) -> int:
        """The row that granted it."""
        grant = granting.Grant(customer=key_of(who), grant_id=name, product_id=book, reason="a gift")
        return int((await self._do(grant)).seq)

    async def revoke(self, who: str, book: str, name: str, granted_by: int) -> None:
        revoke = granting.Revoke(
            customer=key_of(who), revocation_id=name, product_id=book, reason="a mistake", granted_by=granted_by
        )
        await self._do(revoke)

    async def expire(self, who: str) -> None:
        await self._do(expiring.Expire(customer=key_of(who), currency="BELL"))


async def everything(database_url: str, buckets: int = 1) -> None:
    """All of it, in one story of five customers."""
    clock = Hands()
    make_known(database_url, *CUSTOMERS)
    add_products(database_url, *"abcdefgh")
    sql(database_url, _HAND_OUT.replace("BUCKETS", str(buckets)))
    async with open_settlement(database_url, clock=clock, buckets=buckets) as settlement:
        story = Story(database_url, settlement, clock)
        await _buying(story)
        await _lapsing(story, clock)
        await _granting(story)
        await _for_money(story)


async def _buying(story: Story) -> None:
    """Paid and bonus bells, vouchers, part of an order given back, then the rest of it."""
    await story.credit("ann", 1000, "top-up")
    await story.credit("ann", 50, "welcome", "bonus", days=400)
    await story.credit("ann", 7, "gems", currency="GEM")
    with_voucher = await story.buy("ann", "a", "b", saves=10)
    without = await story.buy("ann", "c", "d", "e")
    await story.give_back(without, "r-1", "d")
    await story.give_back(without, "r-2", "c", by="customer", extend=None)
    await story.give_back(with_voucher, "r-1w")
    await story.buy("ann", "d", "a", saves=10)
    await story.buy("ann", "h", price=0)


async def _lapsing(story: Story, clock: Hands) -> None:
    """Bells lapse in the wallet, and in a refund: at once, or later than they would have."""
    await story.credit("bob", 150, "soon", "bonus", days=1)
    await story.credit("bob", 150, "later", "paid", days=2)
    extended = await story.buy("bob", "a")
    lapsed = await story.buy("bob", "b")
    clock.forward(3 * DAY)
    await story.expire("bob")
    await story.give_back(extended, "r-1")
    await story.give_back(lapsed, "r-2", extend=None)
    mistaken = await story.credit("bob", 40, "mistaken")
    await story.take_back("bob", mistaken)


async def _granting(story: Story) -> None:
    """Rights without a payment, and corrections."""
    await story.credit("cleo", 500, "top-up")
    await story.adjust("cleo", 25, "found")
    await story.adjust("cleo", -300, "lost")
    given = await story.grant("cleo", "a", "gift-1")
    await story.grant("dan", "b", "gift-2")
    await story.revoke("cleo", "a", "oops-1", given)
    again = await story.buy("cleo", "a")
    await story.give_back(again, "r-1")
    await story.grant("cleo", "a", "gift-3")


async def _for_money(story: Story) -> None:
    """Bells for real money that goes back in part, in whole and in dispute; a debt, and what pays it."""
    await story.top_up("eve", 1, 600, 60, days=30)
    order = await story.buy("eve", "a", "b")
    await story.money_back("eve", 1, refunded=100, disputed=300)
    await story.money_back("eve", 1, refunded=600)
    await story.credit("eve", 30, "sorry")
    await story.adjust("eve", 20, "sorry")
    await story.redeem("eve", 40, "SPRING", days=30)
    await story.give_back(order, "r-1", "a")
    await story.top_up("eve", 2, 500, 50, days=30)
    await story.buy("eve", "c", "d")
    await story.money_back("eve", 2, disputed=500)
    await story.credit("eve", 100, "lent")
    await story.buy("eve", "e", price=100)
    await story.money_back("eve", 2)
    await story.money_back("eve", 1, refunded=500)
    await story.money_back("eve", 2, refunded=500)
    await story.money_back("eve", 2, refunded=250)
    await story.money_back("eve", 2, refunded=250, disputed=100)
    await story.top_up("dan", 3, 100, 0)
    await story.buy("dan", "g")
    await story.money_back("dan", 3, refunded=100)
    await story.buy("dan", "f", price=0)
