"""The kinds of overload: what each of the attackers' connections does, and on how many connections.

All that a connection does is a *visit*, which is begun again at once when the server ends it.
"""

import asyncio
import itertools
import random
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from typing import NamedTuple
from urllib.parse import urlencode
from uuid import uuid4

from proof.bench.load import Flow, between
from proof.faults.overload import requests
from proof.faults.overload.shop import HOLDER, LETTERS, MEMBER, MEMBERS, MEMBERS_PASSWORD, PAGES
from proof.faults.overload.site import Site
from proof.faults.overload.wire import Connection, connect, dial
from proof.faults.shop import Customer

PAUSE_SECONDS = 0.05
_FOR_EVER = 3600.0


class Visitor:
    """What all connections of one attack share."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.tls = site.tls()
        self.answers: Counter[str] = Counter()
        self.answered = asyncio.Event()

    def customer(self, number: int) -> Customer:
        """One customer for each connection, as far as there are."""
        return self.site.customers[number % len(self.site.customers)]

    def saw(self, what: str, count: int = 1) -> None:
        """Count answers, or whatever came instead."""
        self.answers[what] += count
        self.answered.set()


Visit = Callable[[Visitor, int], Awaitable[None]]


class Kind(NamedTuple):
    """One kind of overload."""

    connections: int
    visit: Visit


def _asking(flow: Callable[[Visitor, int], Flow]) -> Visit:
    """A visit that asks for one thing after the other, each as soon as the last is answered."""

    async def visit(visitor: Visitor, number: int) -> None:
        connection = await connect(visitor.site.host, visitor.site.port, visitor.tls, number=number + 1)
        try:
            await _ask(visitor, connection, flow(visitor, number))
        finally:
            connection.close()

    return visit


async def _ask(visitor: Visitor, connection: Connection, flow: Flow) -> None:
    request = next(flow)
    while True:
        answer = await connection.ask(request)
        visitor.saw(answer.outcome)
        request = flow.send(answer)


def _for_ever(make: Callable[[Visitor, int], Iterator[bytes]]) -> Visit:
    """As `_asking`, for requests that do not depend on the answers."""

    def flow(visitor: Visitor, number: int) -> Flow:
        for request in make(visitor, number):  # noqa: UP028 - an iterator cannot be sent the answers
            yield request

    return _asking(flow)


def _purchases(visitor: Visitor, number: int) -> Flow:
    """Checkouts and payments without a pause, each payment sent three times more."""
    customer = visitor.customer(number)
    for book in itertools.count(random.randrange(10_000)):
        product_ids = [f"book-{1 + book % 20_000}"]
        offer = yield requests.checkout(customer, product_ids)
        token = between(offer.body, b'"orderToken":"', b'"').decode()
        if token:
            payment = requests.payment(customer, product_ids, token)
            answer = yield payment
            if answer.outcome == "200":
                visitor.saw("purchases")
            for _ in range(3):
                yield payment


def _sign_ins(visitor: Visitor, number: int) -> Iterator[bytes]:
    """Every other connection knows the passwords of many customers; the others guess at nobody's."""
    for count in itertools.count(number):
        if number % 2:
            yield requests.sign_in(f"{MEMBER}{1 + count * 7 % MEMBERS}", MEMBERS_PASSWORD)
        else:
            yield requests.sign_in(f"nobody-{number}-{count}", "not a password")


def _costly_checkouts(visitor: Visitor, number: int) -> Iterator[bytes]:
    """One customer's, each with as many lines and vouchers as there may be."""
    return itertools.repeat(requests.checkout(visitor.customer(HOLDER), PAGES))


def _kept_answers(visitor: Visitor, number: int) -> Iterator[bytes]:
    """Large answers under ever new idempotency keys."""
    while True:
        yield requests.checkout(visitor.customer(HOLDER + 1), PAGES, f"Idempotency-Key: {uuid4().hex}")


def _searches(visitor: Visitor, number: int) -> Iterator[bytes]:
    """Words of one letter, one to four of them."""
    chance = random.Random(number)
    while True:
        words = " ".join(chance.choices(LETTERS, k=chance.randint(1, 4)))
        yield requests.get(f"/v1/products?{urlencode({'query': words, 'limit': 50})}", visitor.customer(number))


def _access_checks(visitor: Visitor, number: int) -> Iterator[bytes]:
    customer = visitor.customer(number)
    for book in itertools.count(1):
        yield requests.get(f"/v1/access?productId=book-{1 + book % 20_000}", customer)


def _open_pages(visitor: Visitor, number: int) -> Iterator[bytes]:
    """What is answered to everybody."""
    paths: Sequence[str] = ("/metrics", "/openapi.json", "/readyz", "/.well-known/jwks.json", "/")
    return map(requests.get, itertools.cycle(paths if number % 2 else paths[:2]))


def _guesses(visitor: Visitor, number: int) -> Iterator[bytes]:
    """Codes of vouchers that there are not."""
    while True:
        yield requests.post(
            "/v1/vouchers/claim", {"code": uuid4().hex}, visitor.customer(number), f"Idempotency-Key: {uuid4().hex}"
        )


def _bodies(visitor: Visitor, number: int) -> Iterator[bytes]:
    """Bodies of half a megabyte that are wrong at their very end."""
    body = {"productIds": [f"book-{count}" for count in range(40_000)]}
    return itertools.repeat(requests.post("/v1/checkout", body, visitor.customer(number)))


def _own_pages(visitor: Visitor, number: int) -> Iterator[bytes]:
    """What customers read about themselves."""
    paths = ("/v1/wallet", "/v1/orders", "/v1/entitlements", "/v1/cart", "/v1/vouchers", "/v1/wallet/entries")
    customer = visitor.customer(number)
    return itertools.cycle([requests.get(path, customer) for path in paths])


def _refused_payments(visitor: Visitor, number: int) -> Iterator[bytes]:
    """Payments with an order token that nobody made, as long as one may be."""
    token = ".".join(("A" * 60, "", "B" * 22, "C" * 250_000, "D" * 43))
    return itertools.repeat(requests.payment(visitor.customer(number), ["book-1"], token))


async def _pipelined(visitor: Visitor, number: int) -> None:
    """Hundreds of checkouts sent at once, and hundreds more while their answers are read."""
    connection = await connect(visitor.site.host, visitor.site.port, visitor.tls, number=number + 1)
    many = 300 * requests.checkout(visitor.customer(number), PAGES[:1])
    try:
        while not connection.lost.is_set():
            if not connection.transport.get_write_buffer_size():
                connection.transport.write(many)
                visitor.saw("sent", 300)
            await asyncio.sleep(PAUSE_SECONDS)
    finally:
        connection.close()
    raise ConnectionError("closed by the server")


async def _silent(visitor: Visitor, number: int) -> None:
    """A connection that never begins its handshake; every fourth begins it and says no more."""
    plain = await dial(visitor.site.host, visitor.site.port, number=number + 1)
    loop = asyncio.get_running_loop()
    try:
        visitor.saw("connected")
        if number % 4 == 0:
            await loop.sock_sendall(plain, b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03")
        while await loop.sock_recv(plain, 4096):
            pass
        visitor.saw("closed by the server")
    finally:
        plain.close()


async def _handshakes(visitor: Visitor, number: int) -> None:
    """A handshake, and good-bye."""
    connection = await connect(visitor.site.host, visitor.site.port, visitor.tls, number=number + 1)
    connection.close()
    visitor.saw("handshake")


async def _slow_reader(visitor: Visitor, number: int) -> None:
    """Large answers asked for four at a time and not read; every other connection reads a little each second."""
    connection = await connect(visitor.site.host, visitor.site.port, visitor.tls, number=number + 1, window=4096)
    transport = connection.transport
    try:
        transport.pause_reading()
        transport.write(4 * requests.get("/v1/products?limit=200", visitor.customer(number)))
        visitor.saw("asked", 4)
        if number % 2:
            await _trickle(connection)
        # What is not read is not known to be closed either: so this one does not come again.
        await asyncio.sleep(_FOR_EVER)
    finally:
        connection.close()


async def _trickle(connection: Connection) -> None:
    while not connection.lost.is_set():
        await asyncio.sleep(1)
        connection.transport.resume_reading()
        await asyncio.sleep(0)
        connection.transport.pause_reading()
    raise ConnectionError("closed by the server")


KINDS: Mapping[str, Kind] = {
    "overload": Kind(256, _asking(_purchases)),
    "login-flood": Kind(64, _for_ever(_sign_ins)),
    "silent-connections": Kind(1100, _silent),
    "costly-checkouts": Kind(240, _for_ever(_costly_checkouts)),
    "slow-readers": Kind(150, _slow_reader),
    "search-flood": Kind(64, _for_ever(_searches)),
    "access-checks": Kind(64, _for_ever(_access_checks)),
    "open-pages": Kind(64, _for_ever(_open_pages)),
    "kept-answers": Kind(64, _for_ever(_kept_answers)),
    "guessed-codes": Kind(64, _for_ever(_guesses)),
    "handshakes": Kind(64, _handshakes),
    "large-bodies": Kind(64, _for_ever(_bodies)),
    "own-pages": Kind(64, _for_ever(_own_pages)),
    "refused-payments": Kind(64, _for_ever(_refused_payments)),
    "pipelined": Kind(64, _pipelined),
}
