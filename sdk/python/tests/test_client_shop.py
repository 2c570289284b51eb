"""Every call of the client against a real shop."""

import asyncio
import inspect
from typing import Any
from uuid import uuid4

import msgspec
import pytest
from customers import debits, log_in, new_books, new_customer
from joserfc.jwk import RSAKey

from lingdang_client import (
    AlreadyOwned,
    AsyncClient,
    Client,
    CustMismatch,
    InsufficientBells,
    InvalidReceipt,
    InvalidRequest,
    NoSession,
    NotEntitled,
    NotFound,
    SignType,
    Step,
    Unauthenticated,
    verify_receipt,
)
from lingdang_client.calls import Calls
from lingdang_client.effects import Request
from support.buyer import give
from support.people import PASSWORD
from support.platform import AUDIENCE, ISSUER, open_platform
from support.shop import Shop, open_shop

SIGN_TYPES: tuple[SignType, ...] = ("ES256", "HMAC-SHA256", "MD5")


@pytest.mark.parametrize("sign_type", SIGN_TYPES)
async def test_a_purchase_from_login_to_receipt(shop: Shop, sign_type: SignType) -> None:
    cust_id, books = await new_customer(shop), new_books(shop)
    steps: list[Step] = []
    async with AsyncClient(shop.url, on_step=steps.append) as client:
        await log_in(client, cust_id, sign_type)
        for book in books:
            ticked = await client.tick(book)
        assert (ticked.item.product_id, ticked.selected.count, ticked.selected.total) == (books[-1], 3, 300)
        offer = await client.checkout(books)
        assert (offer.total, offer.product_ids, offer.sign.sign_type) == (300, tuple(books), sign_type)
        payment = await client.pay(offer)
        assert (payment.paid, payment.balance, payment.replayed) == (300, 700, False)
        again = await client.pay(offer)
        assert again.replayed
        assert again.paid_at == payment.paid_at
        right = await client.entitlement(books[0])
        keys = await client.jwks()
        receipt = verify_receipt(right.receipt, keys, issuer="lingdang", cust_id=cust_id, product_id=books[0])
        assert receipt.order_id == offer.order_id
        with pytest.raises(InvalidReceipt):
            verify_receipt(right.receipt, keys, issuer="lingdang", cust_id="bob")
        assert await client.access(books[1]) == offer.order_id
        wallet = await client.wallet()
        assert [balance.balance for balance in wallet.balances] == [700]
        assert (await client.order(offer.order_id)).total == 300
    assert debits(shop, cust_id) == [-300]
    assert [step.number for step in steps] == [1, 1, 1, 2, 3, 4, 5, 4, 5, 6]
    assert steps[5].signed is not None
    assert steps[5].signed.startswith(f"custId={cust_id}&nonce=")
    assert [step.answer is not None for step in steps[:6]] == [True, True, True, False, True, False]


async def test_the_cart(shop: Shop) -> None:
    cust_id, books = await new_customer(shop), new_books(shop)
    async with AsyncClient(shop.url) as client:
        await log_in(client, cust_id)
        for book in books:
            await client.tick(book, ticked=False)
        assert (await client.cart()).selected.count == 0
        assert (await client.tick_all()).selected.count == 3
        assert (await client.tick_all(False)).selected.count == 0
        await client.remove(books[0])
        await client.remove(books[0])
        assert [item.product_id for item in (await client.cart()).items] == books[1:]


async def test_lists_are_read_page_after_page(shop: Shop) -> None:
    cust_id, books = await new_customer(shop), new_books(shop, 5, price=10)
    async with AsyncClient(shop.url) as client:
        await log_in(client, cust_id)
        for book in books:
            await client.pay(await client.checkout([book]))
        orders = [order async for order in client.orders(page_size=2)]
        assert [order.lines[0].product_id for order in orders] == books[::-1]
        assert [right.product_id async for right in client.entitlements(page_size=2)] == sorted(books)
        entries = [entry async for entry in client.entries(page_size=2)]
        assert [entry.balance for entry in entries] == [950, 960, 970, 980, 990, 1000]
        first = await client.orders(page_size=3).page()
        second = await client.orders(page_size=3).page(first.next_cursor)
        assert (len(first.items), len(second.items), second.next_cursor) == (3, 2, None)
        found = {product.product_id async for product in client.products(page_size=2)}
        assert found >= set(books)
        assert (await client.product(books[0])).title == f"Title of {books[0]}"


_PAST = """
INSERT INTO past_order (customer, move, order_id, bucket, paid_at, currency, total, status, lines)
SELECT customer, 'main', 'n-' || n, 0, timestamptz '2021-01-01Z' + n * interval '1 day', 'BELL', n, 'paid',
       '[{"title": "Emma", "price": 9, "payable": 8}]' FROM customer, generate_series(1, 3) n WHERE customer_id = %s
"""


async def test_past_orders_are_read(shop: Shop) -> None:
    cust_id = await new_customer(shop, bells=0)
    shop.sql(_PAST, (cust_id,))
    async with AsyncClient(shop.url) as client:
        await log_in(client, cust_id)
        orders = [order async for order in client.past_orders(page_size=2)]
    assert [(order.order_id, order.total) for order in orders] == [("n-3", 3), ("n-2", 2), ("n-1", 1)]
    assert [(line.title, line.payable, line.product_id) for line in orders[0].lines] == [("Emma", 8, None)]

    def run() -> None:
        with Client(shop.url) as client:
            client.open_session(cust_id, PASSWORD)
            assert list(client.past_orders(page_size=1)) == orders

    await asyncio.to_thread(run)


async def test_the_synchronous_client_does_the_same(shop: Shop) -> None:
    cust_id, books = await new_customer(shop), new_books(shop, 4)

    def run() -> None:
        with Client(shop.url, language="zh-CN", device_id="reader-1") as client:
            with pytest.raises(NoSession):
                client.cart()
            session = client.open_session(cust_id, PASSWORD)
            assert client.current_session().session_id == session.session_id
            assert client.tick(books[0]).selected.count == 1
            client.remove(books[0])
            assert client.tick_all().items == []
            assert client.cart().selected.total == 0
            payment = client.pay(client.checkout(books[:2], voucher_ids=[]))
            assert client.order(payment.order_id).balance == client.wallet().balances[0].balance == 800
            client.pay(client.checkout(books[2:]))
            assert [order.total for order in client.orders(page_size=1)] == [200, 200]
            assert len(list(client.entries(page_size=1))) == 3
            assert {right.product_id for right in client.entitlements(page_size=1)} == set(books)
            assert client.access(books[0]) == payment.order_id
            assert client.link(books[0], 1).token
            assert client.product(books[0]).available
            assert books[0] in {product.product_id for product in client.products(page_size=100)}
            verify_receipt(client.entitlement(books[0]).receipt, client.jwks(), issuer="lingdang", cust_id=cust_id)
            assert client.unfinished() == []
            with pytest.raises(AlreadyOwned) as refused:
                client.checkout(books[:1])
            assert refused.value.product_ids == books[:1]
            assert refused.value.title == "已经拥有"
            client.end_session()
            assert client.session is None

    await asyncio.to_thread(run)


async def test_a_link_lets_in_without_a_session(shop: Shop) -> None:
    cust_id, books = await new_customer(shop), new_books(shop, 2)
    async with AsyncClient(shop.url) as client:
        await log_in(client, cust_id)
        paid = await client.pay(await client.checkout(books[:1]))
        link = await client.link(books[0], seconds=600)
        with pytest.raises(NotFound):
            await client.link(books[1], seconds=600)
        with pytest.raises(InvalidRequest):
            await client.link(books[0], seconds=86_401)
    assert link.token not in repr(link)
    assert link.expires_at > paid.paid_at
    let_in = await shop.http.get("/v1/access", params={"productId": books[0], "token": link.token})
    assert (let_in.status_code, let_in.headers["x-entitlement-order"]) == (204, paid.order_id)
    other = await shop.http.get("/v1/access", params={"productId": books[1], "token": link.token})
    assert other.status_code == 403


async def test_an_ended_session_is_refused(shop: Shop) -> None:
    cust_id = await new_customer(shop, bells=0)
    async with AsyncClient(shop.url) as client:
        await log_in(client, cust_id)
        session = client.session
        assert session is not None
        await client.end_session()
    async with AsyncClient(shop.url, session=session) as client:
        with pytest.raises(Unauthenticated):
            await client.wallet()


async def test_refusals_have_their_class(shop: Shop) -> None:
    cust_id, books = await new_customer(shop, bells=10), new_books(shop)
    async with AsyncClient(shop.url) as client:
        with pytest.raises(Unauthenticated):
            await client.open_session(cust_id, "wrong")
        assert client.session is None
        await log_in(client, cust_id)
        with pytest.raises(NotFound):
            await client.product("no-such-book")
        with pytest.raises(NotEntitled):
            await client.access(books[0])
        with pytest.raises(InvalidRequest) as invalid:
            await client.checkout([])
        assert invalid.value.errors[0]["path"] == "$.productIds"
        with pytest.raises((InvalidRequest, NotFound)):
            await client.product("../wallet?x=/")
        offer = await client.checkout(books)
        assert (offer.wallet.sufficient, offer.wallet.shortfall) == (False, 290)
        with pytest.raises(InsufficientBells) as short:
            await client.pay(offer)
        assert (short.value.required, short.value.balance, short.value.shortfall) == (300, 10, 290)
        assert debits(shop, cust_id) == []
        await give(shop, cust_id, 290)
        (pending,) = await client.unfinished()
        assert (await client.resume(pending.offer.order_id)).balance == 0
    assert debits(shop, cust_id) == [-300]


async def test_twenty_at_once_are_one_payment(shop: Shop) -> None:
    cust_id, books = await new_customer(shop), new_books(shop)
    async with AsyncClient(shop.url) as client:
        await log_in(client, cust_id)
        offer = await client.checkout(books)
        payments = await asyncio.gather(*(client.pay(offer) for _ in range(20)))
    assert sum(payment.replayed for payment in payments) == 19
    assert {payment.balance for payment in payments} == {700}
    assert debits(shop, cust_id) == [-300]


@pytest.mark.parametrize("sign_type", SIGN_TYPES)
async def test_a_platforms_customer_buys(shop: Shop, sign_type: SignType) -> None:
    key, cust_id, books = RSAKey.generate_key(2048), f"tenant:{uuid4().hex[:12]}", new_books(shop)
    with open_platform() as platform:
        platform.publish(key, kid="k")
        settings = {"oidc_issuer": ISSUER, "oidc_audience": AUDIENCE, "oidc_jwks_url": f"{platform.url}/keys"}
        async with (
            open_shop(shop.database_url, shop.keyring, **settings) as trusting,
            AsyncClient(trusting.url) as client,
        ):
            token = platform.token(key, "RS256", "k", sub=cust_id)
            session = await client.open_session(platform_token=token, sign_type=sign_type)
            assert (session.cust_id, session.sign_type) == (cust_id, sign_type)
            await give(trusting, cust_id, 300)
            assert (await client.pay(await client.checkout(books))).balance == 0
            with pytest.raises(Unauthenticated):
                await client.open_session(platform_token=token + "x", sign_type=sign_type)
            assert client.session == session, "the open session goes on"
    assert debits(shop, cust_id) == [-300]


async def test_an_offer_of_an_ended_session_is_not_paid_in_the_next(shop: Shop) -> None:
    cust_id, books = await new_customer(shop), new_books(shop)
    async with AsyncClient(shop.url) as client:
        await log_in(client, cust_id)
        unpaid, paid = await client.checkout(books[:1]), await client.checkout(books[1:])
        await client.pay(paid)
        await log_in(client, cust_id)
        with pytest.raises(CustMismatch):
            await client.pay(unpaid)
        assert (await client.pay(paid)).replayed
        assert await client.unfinished() == []
    assert debits(shop, cust_id) == [-200]


def test_a_platforms_token_says_who_asks() -> None:
    operation = Calls().open_session(None, None, "a.platform.jwt", "ES256", None)
    request = next(operation)
    assert isinstance(request, Request)
    assert request.headers["Authorization"] == "Bearer a.platform.jwt"
    assert "a.platform.jwt" not in repr(request)
    body = msgspec.json.decode(request.body or b"")
    assert sorted(body) == ["publicKey", "signType"]
    assert sorted(body["publicKey"]) == ["crv", "kty", "x", "y"]


@pytest.mark.parametrize("given", [{}, {"cust_id": "a"}, {"password": "x"}, {"cust_id": "a", "platform_token": "x"}])
def test_one_proof_of_who_asks(given: dict[str, Any]) -> None:
    with Client("http://127.0.0.1:1") as client, pytest.raises(TypeError):
        client.open_session(**given)


def test_both_clients_have_the_same_methods() -> None:
    def public(kind: type) -> dict[str, list[str]]:
        return {
            name: list(inspect.signature(member).parameters)
            for name, member in vars(kind).items()
            if not name.startswith("_") and callable(member)
        }

    assert public(Client) == public(AsyncClient)
