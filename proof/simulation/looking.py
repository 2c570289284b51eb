"""What everybody is shown when all is quiet: orders, entries, rights, and what giving an order back would bring."""

from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

from lingdang.db.pool import Pool
from lingdang.ids import uuid7
from lingdang.ledger.refunding import By
from lingdang.library.entitlements import list_entitlements
from lingdang.library.orders import list_orders
from lingdang.library.refunds import PREVIEW, Policy, find_order, refundable
from lingdang.library.wallets import list_entries
from lingdang.owner import Owner
from lingdang.paging import Page, window
from proof.simulation.asking import Asking
from proof.simulation.plan import BUCKET, Plan, key_of
from proof.simulation.workers import Worker, all_of

Read = Callable[[Pool, Owner, Any], Awaitable[Page[Any]]]

LISTS: dict[str, tuple[Read, str]] = {
    "orders": (list_orders, "2"),
    "entries": (list_entries, "7"),
    "rights": (list_entitlements, "2"),
}
"""What reads each list, and how many items are on a page: few, so that lists have several pages, but not dozens."""


async def look(plan: Plan, asking: Asking, policy: Policy, route: tuple[int, ...]) -> None:
    """Ask for all of it, in a session that has not ended. Of each order one of the sides asks, in turns."""
    looks = [
        _list(kind, Owner(BUCKET, key_of(cust_id), cust_id, uuid7()), asking, route)
        for cust_id in plan.customers
        for kind in LISTS
    ]
    paid = {
        r.wanted["orderId"]: r.cust_id
        for r in asking.history.requests
        if r.kind == "payment" and r.outcome == "ok" and r.final
    }
    sides: tuple[By, By] = ("operator", "customer")
    looks += [
        _refundable(order_id, cust_id, sides[number % 2], asking, policy, route)
        for number, (order_id, cust_id) in enumerate(paid.items(), plan.seed)
    ]
    await all_of(looks)


async def _list(kind: str, owner: Owner, asking: Asking, route: tuple[int, ...]) -> None:
    async def send(worker: Worker) -> tuple[Any, bool]:
        items: list[Any] = []
        read, limit = LISTS[kind]
        page = await read(worker.pool, owner, window(limit, None))
        items += page.items
        while page.next_cursor is not None:
            page = await read(worker.pool, owner, window(limit, page.next_cursor))
            items += page.items
        return {"items": items}, False

    await asking.ask(kind, owner.cust_id, None, {}, route, send)


async def _refundable(
    order_id: str, cust_id: str, by: By, asking: Asking, policy: Policy, route: tuple[int, ...]
) -> None:
    """Of all that is left of an order."""

    async def send(worker: Worker) -> tuple[Any, bool]:
        place = await find_order(worker.pool, UUID(order_id))
        command = policy.command(by, place, UUID(order_id), PREVIEW, reason="other")
        return await refundable(worker.pool, place, command, worker.now()), False

    await asking.ask("refundable", cust_id, None, {"orderId": order_id, "by": by}, route, send)
