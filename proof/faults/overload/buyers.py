"""`python -m proof.faults.overload.buyers`: customers who buy without a pause, and newcomers who sign in, one a second.

The first line of its input is a Site in JSON; at the input's end each purchase begun is brought to its end. Every line
of its output is an Event in JSON.
"""

import asyncio
import itertools
import sys
import time
from typing import Literal, NamedTuple

import msgspec
import uvloop

from proof.bench.load import Answer, between
from proof.faults.overload import requests
from proof.faults.overload.site import Site
from proof.faults.overload.wire import Connection, connect
from proof.faults.shop import Customer

NEWCOMER, PASSWORD = "newcomer", "a fair password"
_PATIENCE_SECONDS = 20.0
_PAUSE_SECONDS = 0.05
_NEWCOMER_SECONDS = 1.0
_AGAIN = (408, 429, 503)


class Event(NamedTuple):
    """What happened at a moment of the monotonic clock, after so many seconds of waiting."""

    what: Literal["paid", "refused", "entered", "shut out"]
    at: float
    seconds: float
    detail: str


class UnexpectedError(Exception):
    """An answer that a customer who does everything right should not be given."""


_encode = msgspec.json.Encoder().encode


def _tell(what: Literal["paid", "refused", "entered", "shut out"], since: float, detail: str = "") -> None:
    now = time.monotonic()
    sys.stdout.buffer.write(_encode(Event(what, now, now - since, detail)) + b"\n")
    sys.stdout.buffer.flush()


class _Buyer:
    """One customer: one connection, one purchase at a time, one book after the other."""

    def __init__(self, site: Site, customer: Customer) -> None:
        self._site = site
        self._tls = site.tls()
        self._customer = customer
        self._connection: Connection | None = None

    async def buy_on(self, stopping: asyncio.Event) -> None:
        for number in itertools.count(1):
            if stopping.is_set():
                break
            try:
                await self._buy([f"book-{number}"])
            except UnexpectedError as error:
                _tell("refused", time.monotonic(), f"unexpected: {error}")
                await asyncio.sleep(1)
        if self._connection is not None:
            self._connection.close()

    async def _buy(self, product_ids: list[str]) -> None:
        began = time.monotonic()
        offer = await self._sure(requests.checkout(self._customer, product_ids))
        token = between(offer.body, b'"orderToken":"', b'"').decode()
        paid = await self._sure(requests.payment(self._customer, product_ids, token))
        _tell("paid", began, between(paid.body, b'"orderId":"', b'"').decode())

    async def _sure(self, request: bytes) -> Answer:
        """Send a request until it is answered, as a client does. Raises UnexpectedError."""
        while True:
            began = time.monotonic()
            try:
                answer = await self._ask(request)
            except OSError as error:
                refusal = type(error).__name__
            else:
                if answer.status == 200:
                    return answer
                refusal = answer.outcome
                if answer.status not in _AGAIN:
                    raise UnexpectedError(refusal)
            _tell("refused", began, refusal)
            await asyncio.sleep(_PAUSE_SECONDS)

    async def _ask(self, request: bytes) -> Answer:
        """Raises OSError; from then on the next request begins a new connection."""
        try:
            async with asyncio.timeout(_PATIENCE_SECONDS):
                if self._connection is None:
                    self._connection = await connect(self._site.host, self._site.port, self._tls)
                return await self._connection.ask(request)
        except OSError:
            if self._connection is not None:
                self._connection.close()
                self._connection = None
            raise


async def _newcomers(site: Site) -> None:
    """Once a second somebody who was not there connects and signs in."""
    while True:
        began = time.monotonic()
        try:
            async with asyncio.timeout(_PATIENCE_SECONDS):
                connection = await connect(site.host, site.port, site.tls())
                try:
                    answer = await connection.ask(requests.sign_in(NEWCOMER, PASSWORD))
                finally:
                    connection.close()
        except OSError as error:
            _tell("shut out", began, type(error).__name__)
        else:
            _tell("entered" if answer.status == 201 else "shut out", began, answer.outcome)
        await asyncio.sleep(max(0.0, began + _NEWCOMER_SECONDS - time.monotonic()))


async def _main(site: Site) -> None:
    stopping = asyncio.Event()
    newcomers = asyncio.create_task(_newcomers(site))
    buying = [asyncio.create_task(_Buyer(site, customer).buy_on(stopping)) for customer in site.customers]
    await asyncio.to_thread(sys.stdin.buffer.read)
    stopping.set()
    newcomers.cancel()
    await asyncio.gather(*buying)


if __name__ == "__main__":
    uvloop.run(_main(msgspec.json.decode(sys.stdin.buffer.readline(), type=Site)))
