"""Asking: a request is sent to the workers of its route until one gives an answer that counts, and is written down."""

import json
from collections.abc import Callable, Coroutine
from typing import Any

import msgspec

from lingdang.errors import Problem
from lingdang.ids import Customer
from proof.simulation.history import INCONCLUSIVE, History, Request
from proof.simulation.plan import key_of
from proof.simulation.workers import Fleet, LostError, Worker

Sent = Coroutine[Any, Any, tuple[Any, bool]]
"""An answer, and whether it was given before."""


class Asking:
    """What all clients of one plan have in common. `final`: all faults have ended."""

    def __init__(self, fleet: Fleet, history: History) -> None:
        self.history = history
        self.final = False
        self._fleet = fleet

    async def ask(
        self,
        kind: str,
        cust_id: str,
        about: Any,
        wanted: dict[str, Any],
        route: tuple[int, ...],
        send: Callable[[Worker], Sent],
        patience: int | None = None,
    ) -> Request | None:
        """Send a request to the workers of its route, one after the other, until one gives an answer that counts."""
        request = None
        for number in route:
            worker = self._fleet.workers[number]
            request = Request(kind, cust_id, about, number, self.history.tick(), worker.now(), wanted)
            request.final = self.final
            self.history.requests.append(request)
            await self._once(request, worker, send, patience)
            if request.outcome not in INCONCLUSIVE:
                break
        return request

    async def _once(
        self, request: Request, worker: Worker, send: Callable[[Worker], Sent], patience: int | None
    ) -> None:
        async def handle() -> tuple[Any, bool]:
            request.clock = worker.now()
            return await send(worker)

        try:
            answer, request.replayed = await worker.ask(handle(), patience)
            request.outcome, request.body = "ok", json.loads(msgspec.json.encode(answer))
        except LostError:
            return
        except Problem as problem:
            request.outcome, request.body = problem.code, json.loads(msgspec.json.encode(problem.members))
        except Exception as error:
            request.outcome, request.body = "crashed", {"error": repr(error)}
        request.answered = self.history.tick()
        request.latest = self._fleet.clock.latest


def customer_of(cust_id: str) -> Customer:
    """The customer as the shop knows them."""
    return Customer(key_of(cust_id), cust_id)
