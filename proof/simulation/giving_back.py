"""Clients who give orders back and use their rights, and operators who refund orders and grant rights."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

from lingdang.backoffice.rights import GrantRequest, RevocationRequest, grant_right, revoke_right
from lingdang.errors import Problem
from lingdang.identity.sessions import IssuedSession
from lingdang.ledger.refunding import By
from lingdang.library.entitlements import Rights
from lingdang.library.refunds import OrderKey, Policy, find_order, find_own_order, refund
from proof.simulation.asking import Asking
from proof.simulation.plan import BUCKET, Grant, Open, Plan, Refund, Revocation, key_of
from proof.simulation.workers import Worker, all_of

Route = tuple[int, ...]


def policy_of(plan: Plan) -> Policy:
    """The plan's policy of refunds as the shop has it."""
    days, extend = plan.policy.days, plan.policy.extend_days
    return Policy(days, None if extend is None else timedelta(days=extend), plan.policy.vouchers_back)


class GivingBack:
    """All of it for one plan. `orders` are the ids of those in slots, as they become known."""

    def __init__(
        self,
        plan: Plan,
        asking: Asking,
        sessions: Sequence[Sequence[IssuedSession]],
        orders: Mapping[int, tuple[int, str]],
    ) -> None:
        self._plan = plan
        self._asking = asking
        self._sessions = sessions
        self._orders = orders
        self._policy = policy_of(plan)

    async def do(self, action: Refund | Grant | Revocation | Open) -> None:
        """Send the action's request, in all its copies."""
        if isinstance(action, Open):
            await self._open(action)
        else:
            await all_of([self.once(action, route) for route in action.routes])

    async def once(self, action: Refund | Grant | Revocation, route: Route) -> None:
        """Send one copy of the action's request."""
        if isinstance(action, Refund):
            await self._refund(action, route)
        elif isinstance(action, Grant):
            await self._grant(action, route)
        else:
            await self._revocation(action, route)

    async def again(self, route: Route) -> None:
        """Send all that was sent once more, as it was sent first."""
        sent: dict[tuple[object, ...], Refund | Grant | Revocation] = {}
        for request in self._asking.history.requests:
            if request.kind in ("refund", "grant", "revocation"):
                sent.setdefault((request.kind, request.cust_id, *request.wanted["id"]), request.about)
        await all_of([self.once(_patient(action), route) for action in sent.values()])

    async def _refund(self, action: Refund, route: Route) -> None:
        if action.slot not in self._orders:
            return
        owner, order_id = self._orders[action.slot]
        asker = owner if action.customer is None else action.customer
        books = None if action.books is None else tuple(self._plan.books[book].product_id for book in action.books)
        asked: dict[str, Any] = {"product_ids": books, "reason": action.reason}
        session = self._sessions[asker][action.session]
        if action.customer is None:
            asked |= {"keep_discount": action.keep_discount, "note": action.note}

        async def place(worker: Worker) -> OrderKey:
            if action.customer is None:
                return await find_order(worker.pool, UUID(order_id))
            token = f"Bearer {session.session_token}"
            asking = worker.sessions.authenticate(token, session.customer.cust_id, worker.now())
            return await find_own_order(worker.pool, asking.owner, UUID(order_id))

        by: By = "operator" if action.customer is None else "customer"

        async def send(worker: Worker) -> tuple[Any, bool]:
            command = self._policy.command(by, await place(worker), UUID(order_id), action.refund_id, **asked)
            return await refund(worker.settlement, command)

        wanted = {"id": (by, action.refund_id), "orderId": order_id, "by": by, "productIds": books}
        wanted |= {
            "reason": action.reason,
            "note": asked.get("note"),
            "keepDiscount": asked.get("keep_discount", False),
        }
        if action.customer is not None:
            wanted["sessionId"] = str(session.session_id)
        cust_id = self._plan.customers[asker]
        await self._asking.ask("refund", cust_id, action, wanted, route, send, action.patience)

    async def _grant(self, action: Grant, route: Route) -> None:
        cust_id, product_id = self._plan.customers[action.customer], self._plan.books[action.book].product_id
        request = GrantRequest(grant_id=action.grant_id, reason=action.reason)

        async def send(worker: Worker) -> tuple[Any, bool]:
            return await grant_right(worker.settlement, key_of(cust_id), product_id, request)

        wanted = {"id": (action.grant_id,), "productId": product_id, "reason": action.reason}
        done = await self._asking.ask("grant", cust_id, action, wanted, route, send)
        if done is not None and done.outcome == "ok" and not done.body["granted"]:
            done.outcome = "not_granted"

    async def _revocation(self, action: Revocation, route: Route) -> None:
        cust_id, product_id = self._plan.customers[action.customer], self._plan.books[action.book].product_id
        request = RevocationRequest(revocation_id=action.revocation_id, reason=action.reason)

        async def send(worker: Worker) -> tuple[Any, bool]:
            return await revoke_right(worker.pool, worker.settlement, BUCKET, key_of(cust_id), product_id, request)

        wanted = {"id": (action.revocation_id,), "productId": product_id, "reason": action.reason}
        await self._asking.ask("revocation", cust_id, action, wanted, route, send)

    async def _open(self, action: Open) -> None:
        """What /v1/access does. The answer says whose right it was."""
        session = self._sessions[action.customer][action.session]
        cust_id, product_id = session.customer.cust_id, self._plan.books[action.book].product_id

        async def send(worker: Worker) -> tuple[Any, bool]:
            asker = worker.sessions.authenticate(f"Bearer {session.session_token}", cust_id, worker.now())
            rights = Rights(worker.pool, noted=self._plan.policy.days > 0)
            right = await rights.use(asker.owner, product_id, worker.now())
            if right is None:
                raise Problem("not_entitled", productId=product_id)
            return dict([right.source]), False

        wanted = {"productId": product_id, "sessionId": str(session.session_id)}
        await self._asking.ask("open", cust_id, action, wanted, action.route, send)


def _patient(action: Refund | Grant | Revocation) -> Refund | Grant | Revocation:
    """The same, by a client who does not hang up."""
    return replace(action, patience=None) if isinstance(action, Refund) else action
