"""What counts as a header: each of one value once, on the short way as through the cycle; a trailer never."""

import asyncio
import json
from collections.abc import AsyncIterator

import httpx
import pytest

from lingdang.keys import Keyring
from support.buyer import Buyer, buyer, give, stock
from support.raw import Answer, answers, problem_of
from support.shop import Shop, open_shop

ONCE = ("Authorization", "X-Cust-Id", "X-Request-Id", "X-Device-Id", "Idempotency-Key", "Content-Type")


@pytest.fixture(params=[True, False], ids=["direct", "cycle"])
async def ann(request: pytest.FixtureRequest, database_url: str, keyring: Keyring) -> AsyncIterator[Buyer]:
    async with open_shop(database_url, keyring, short_way=request.param) as shop:
        stock(shop, "book-1")
        await give(shop, "ann", 500)
        yield buyer(shop)


@pytest.fixture(scope="module", params=[True, False], ids=["direct", "cycle"])
async def shared_ann(
    request: pytest.FixtureRequest, shared_database_url: str, shared_keyring: Keyring
) -> AsyncIterator[Buyer]:
    """A customer of a shop that this file shares, for requests that are refused."""
    async with open_shop(shared_database_url, shared_keyring, short_way=request.param) as shop:
        if not shop.sql("SELECT 1 FROM product"):
            stock(shop, "book-1")
        yield buyer(shop)


@pytest.mark.parametrize("same", [True, False])
@pytest.mark.parametrize("name", ONCE)
@pytest.mark.parametrize("path", ["/v1/checkout", "/v1/cart", "/v1/products/book-1"])
async def test_a_header_of_one_value_given_twice_is_refused(
    shared_ann: Buyer, path: str, name: str, same: bool
) -> None:
    said = {"X-Request-Id": "a", "X-Device-Id": "a", "Idempotency-Key": "a", "Content-Type": "application/json"}
    headers = [*(said | shared_ann.headers).items()]
    value = dict(headers)[name]
    headers.append((name.lower(), value if same else "another"))
    method = "POST" if path == "/v1/checkout" else "GET"
    content = '{"productIds":["book-1"]}' if method == "POST" else None
    answer = await shared_ann.shop.http.request(method, path, headers=headers, content=content)
    assert answer.status_code == 400
    told = answer.json()
    assert told["code"] == "invalid_request"
    assert told["errors"] == [{"path": name, "message": "The header is given more than once"}]


async def test_a_header_of_many_values_may_be_given_twice(ann: Buyer) -> None:
    twice = [*ann.headers.items(), ("Accept", "a"), ("Accept", "b"), ("X-Forwarded-For", "1"), ("X-Forwarded-For", "2")]
    answer = await ann.shop.http.get("/v1/products/book-1", headers=twice)
    assert answer.status_code == 200


async def test_two_hosts_are_refused(ann: Buyer) -> None:
    sent = b"GET /v1/products/book-1 HTTP/1.1\r\nHost: x\r\nHost: x\r\nConnection: close\r\n\r\n"
    (answer,) = await _talk(ann.shop, sent)
    assert problem_of(answer)["errors"] == [{"path": "Host", "message": "The header is given more than once"}]


@pytest.mark.parametrize("own", [True, False])
async def test_a_trailer_is_no_header(ann: Buyer, own: bool) -> None:
    """Neither of the request that it ends nor of the next."""
    order = await ann.checkout("book-1")
    body = json.dumps(ann.payment(order["orderToken"], ["book-1"])).encode()
    lines = b"".join(b"%b: %b\r\n" % (name.encode(), value.encode()) for name, value in ann.headers.items())
    head = b"POST /v1/payments HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n"
    chunks = b"\r\n%x\r\n%b\r\n0\r\n" % (len(body), body)
    trailers = lines + b"X-Forwarded-For: 10.1.2.3\r\n\r\n"
    following = b"GET /v1/wallet HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    received = await _talk(ann.shop, head + (lines if own else b"") + chunks + trailers + following)
    assert [answer.status for answer in received] == [200 if own else 401, 401]
    assert ann.shop.sql("SELECT balance FROM wallet") == [(400 if own else 500,)]


@pytest.mark.parametrize(
    "trailer", [b"Connection: close", b"Proxy-Connection: close", b"connection: Keep-Alive, CLOSE"]
)
@pytest.mark.parametrize("path", [b"/v1/checkout", b"/v1/vouchers/claim", b"/v1/absent"])
async def test_a_trailer_that_ends_the_connection_ends_it_after_the_answer(
    ann: Buyer, path: bytes, trailer: bytes
) -> None:
    """The parser reads nothing behind it: the client is told so instead of waiting for ever."""
    head = b"POST %b HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n" % path
    following = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
    before = b"GET /v1/wallet HTTP/1.1\r\nHost: x\r\n\r\n"
    for ahead in (b"", before, before + before):
        received = await _talk(ann.shop, ahead + head + b"2\r\n{}\r\n0\r\n" + trailer + b"\r\n\r\n" + following)
        assert len(received) == ahead.count(b"GET") + 1
        assert received[-1].headers["connection"] == "close"


async def _talk(shop: Shop, sent: bytes) -> list[Answer]:
    url = httpx.URL(shop.url)
    reader, writer = await asyncio.open_connection(url.host, url.port)
    writer.write(sent)
    received = answers(await reader.read())
    writer.close()
    return received
