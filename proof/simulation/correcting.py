"""Operators who correct balances, and a move that is taken back: its credits are reversed."""

from datetime import datetime
from typing import Any

from lingdang.backoffice.wallets import AdjustmentRequest, adjust_wallet
from lingdang.ledger.lots import lot_name
from lingdang.ledger.reversing import Reverse
from proof.simulation.asking import Asking, customer_of
from proof.simulation.plan import Adjustment, Plan, Reversal, key_of
from proof.simulation.workers import Worker, all_of

Route = tuple[int, ...]


class Correcting:
    """All of it for one plan."""

    def __init__(self, plan: Plan, asking: Asking) -> None:
        self._plan = plan
        self._asking = asking

    async def do(self, action: Adjustment | Reversal) -> None:
        """Send the action's request, in all its copies."""
        await all_of([self._once(action, route) for route in action.routes])

    async def again(self, route: Route) -> None:
        """Send all that was sent once more, as it was sent first."""
        sent: dict[tuple[object, ...], Adjustment | Reversal] = {}
        for request in self._asking.history.requests:
            if request.kind in ("adjustment", "reversal"):
                sent.setdefault((request.kind, request.cust_id, *request.wanted["id"]), request.about)
        await all_of([self._once(action, route) for action in sent.values()])

    async def _once(self, action: Adjustment | Reversal, route: Route) -> None:
        if isinstance(action, Adjustment):
            await self._adjustment(action, route)
        else:
            await self._reversal(action, route)

    async def _adjustment(self, action: Adjustment, route: Route) -> None:
        cust_id = self._plan.customers[action.customer]
        request = AdjustmentRequest(
            adjustment_id=action.adjustment_id,
            amount=action.amount,
            reason=action.reason,
            note=action.note,
            currency=action.currency,
        )
        wanted = {"id": (action.adjustment_id,), "amount": action.amount, "currency": action.currency}
        wanted |= {"reason": action.reason, "note": action.note}
        await self._asking.ask(
            "adjustment",
            cust_id,
            action,
            wanted,
            route,
            lambda worker: adjust_wallet(worker.settlement, customer_of(cust_id), request),
        )

    async def _reversal(self, action: Reversal, route: Route) -> None:
        """There is no route of it: the ledger has the command. Whoever sends it has read what was booked."""
        cust_id = self._plan.customers[action.customer]
        told = self._told(cust_id, action.credit_id)
        if told is None:
            return
        until = told["expiresAt"] and datetime.fromisoformat(told["expiresAt"])
        command = Reverse(
            customer=key_of(cust_id),
            credit_id=action.credit_id,
            currency=told["currency"],
            lot=lot_name(told["kind"], until),
            amount=told["amount"],
            reason="simulated",
        )

        async def send(worker: Worker) -> tuple[Any, bool]:
            done = await worker.settlement.submit(command)
            return done.record, done.replayed

        wanted = {"id": (action.credit_id,), "currency": command.currency, "amount": command.amount}
        await self._asking.ask("reversal", cust_id, action, wanted, route, send)

    def _told(self, cust_id: str, credit_id: str) -> dict[str, Any] | None:
        """The credit as it was acknowledged."""
        for request in self._asking.history.requests:
            told = (request.kind, request.cust_id, request.outcome) == ("deposit", cust_id, "ok")
            if told and request.wanted["creditId"] == credit_id:
                return request.body
        return None
