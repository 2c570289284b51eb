"""Money that comes and goes back: top-ups are credited, their bells follow the money, and gift codes are redeemed."""

from collections.abc import Sequence
from datetime import timedelta
from hashlib import sha256
from typing import Any
from uuid import UUID

from lingdang.coupons.claiming import code_hash
from lingdang.ledger.rules import Command
from lingdang.ledger.taking_back import TakeBack as TakeBackCommand
from lingdang.ledger.topping_up import TopUp as TopUpCommand
from lingdang.topup.gift_codes import read_code
from lingdang.topup.redeeming import Redeeming
from proof.simulation.asking import Asking
from proof.simulation.plan import BASE, Plan, Redemption, TakeBack, TopUp, key_of
from proof.simulation.workers import Worker, all_of

Route = tuple[int, ...]
PRICED_IN = "CNY"


class ToppingUp:
    """All of it for one plan. `codes` are its gift codes in clear."""

    def __init__(self, plan: Plan, asking: Asking, codes: Sequence[str]) -> None:
        self._plan = plan
        self._asking = asking
        self._codes = codes

    async def do(self, action: TopUp | TakeBack | Redemption) -> None:
        """Send the action's request, in all its copies."""
        await all_of([self._once(action, route) for route in action.routes])

    async def again(self, route: Route) -> None:
        """Send all that was sent once more, as it was sent first; then how the money of each top-up stood last."""
        sent: dict[tuple[object, ...], TopUp | Redemption] = {}
        stands: dict[tuple[int, str], TakeBack] = {}
        for request in self._asking.history.requests:
            if request.kind in ("topup", "gift"):
                sent.setdefault((request.kind, request.cust_id, *request.wanted["id"]), request.about)
            elif request.kind == "takeback":
                stands[request.about.customer, request.about.name] = request.about
        await all_of([self._once(action, route) for action in sent.values()])
        await all_of([self._takeback(takeback, route) for takeback in stands.values()])

    async def _once(self, action: TopUp | TakeBack | Redemption, route: Route) -> None:
        if isinstance(action, TopUp):
            await self._topup(action, route)
        elif isinstance(action, TakeBack):
            await self._takeback(action, route)
        else:
            await self._redemption(action, route)

    async def _topup(self, action: TopUp, route: Route) -> None:
        cust_id, topup_id = self._plan.customers[action.customer], self._id_of(action)
        command = TopUpCommand(
            customer=key_of(cust_id),
            topup_id=topup_id,
            currency=action.currency,
            paid=action.paid,
            bonus=action.bonus,
            bonus_expires_at=None if action.lapses is None else BASE + timedelta(seconds=action.lapses),
            provider="sandbox",
            price=action.price,
            price_currency=PRICED_IN,
            test=action.test,
        )
        wanted = {"id": (str(topup_id),), "paid": action.paid, "bonus": action.bonus, "currency": action.currency}
        wanted |= {"price": {"amount": action.price, "currency": PRICED_IN}, "test": action.test}
        await self._asking.ask("topup", cust_id, action, wanted, route, _submitting(command))

    async def _takeback(self, action: TakeBack, route: Route) -> None:
        cust_id, topup_id = self._plan.customers[action.customer], self._id_of(action)
        command = TakeBackCommand(
            customer=key_of(cust_id),
            topup_id=topup_id,
            refunded=action.refunded,
            disputed=action.disputed,
            reason="refund",
        )
        wanted = {"topupId": str(topup_id), "refunded": action.refunded, "disputed": action.disputed}
        await self._asking.ask("takeback", cust_id, action, wanted, route, _submitting(command))

    async def _redemption(self, action: Redemption, route: Route) -> None:
        cust_id, text = self._plan.customers[action.customer], self._codes[action.code]
        code = read_code(text)
        assert code is not None, "it was just made"

        async def send(worker: Worker) -> tuple[Any, bool]:
            redeeming = Redeeming(worker.pool, worker.settlement, worker.now)
            return await redeeming.redeem(key_of(cust_id), text)

        wanted = {"id": (code_hash(code).hex(),), "campaign": self._plan.codes[action.code].campaign}
        await self._asking.ask("gift", cust_id, action, wanted, route, send)

    def _id_of(self, action: TopUp | TakeBack) -> UUID:
        """Whose it is is part of it: a top-up is one customer's."""
        named = f"{self._plan.prefix} {action.customer} {action.name}"
        return UUID(bytes=sha256(named.encode()).digest()[:16], version=4)


def _submitting(command: Command) -> Any:
    async def send(worker: Worker) -> tuple[Any, bool]:
        done = await worker.settlement.submit(command)
        return done.record, done.replayed

    return send
