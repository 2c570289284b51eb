"""Top-ups and gift codes by both clients, against a real shop with the sandbox."""

import asyncio
import re
from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import pytest
from customers import log_in, new_books, new_customer

from lingdang_client import (
    AsyncClient,
    Client,
    IdempotencyMismatch,
    InsufficientBells,
    LingdangError,
    Money,
    Topup,
    TopupStatus,
    WalletInDebt,
)
from support.pages import text_of
from support.people import PASSWORD, api_key
from support.shop import PATIENCE, Shop, open_shop
from support.topups import sell


@pytest.fixture
async def selling(shop: Shop) -> AsyncIterator[Shop]:
    """The shop with the sandbox, where packages are sold."""
    async with open_shop(shop.database_url, shop.keyring, sandbox=True) as opened:
        key = await api_key(opened, name=f"topups {uuid4().hex[:8]}")
        await sell(opened, key)
        await sell(
            opened,
            key,
            "free",
            paid=0,
            bonus=0,
            bonusExpiresAfterDays=None,
            price=None,
            perBell={"amount": 7, "currency": "CNY", "bells": 100},
            least=1,
            most=5000,
        )
        yield opened


async def becomes(client: AsyncClient, topup: Topup, status: TopupStatus) -> Topup:
    end = asyncio.get_running_loop().time() + PATIENCE
    while (told := await client.topup(topup.topup_id)).status != status:
        assert asyncio.get_running_loop().time() < end, told
        await asyncio.sleep(0.02)
    return told


async def play(shop: Shop, topup: Topup, outcome: str) -> None:
    answer = await shop.http.post(topup.action.url or "", json={"outcome": outcome})
    assert answer.status_code == 200, answer.text


async def test_what_is_missing_is_topped_up_and_the_same_offer_is_paid(selling: Shop) -> None:
    cust_id, books = await new_customer(selling, bells=10), new_books(selling)
    async with AsyncClient(selling.url) as client:
        await log_in(client, cust_id)
        offer = await client.checkout(books)
        with pytest.raises(InsufficientBells) as short:
            await client.pay(offer)
        assert short.value.shortfall == 290
        free, six = sorted(await client.topup_packages(), key=lambda package: package.package_id)
        assert (free.price, free.least, free.most, six.price) == (None, 1, 5000, Money(amount=600, currency="CNY"))
        assert free.per_bell is not None
        assert (free.per_bell.amount, free.per_bell.bells) == (7, 100)
        topup = await client.top_up("free", "sandbox", "key-1", amount=short.value.shortfall, return_url="/topups")
        assert (topup.status, topup.paid, topup.price.amount, topup.action.kind) == ("pending", 290, 21, "redirect")
        again = await client.top_up("free", "sandbox", "key-1", amount=290, return_url="/topups")
        assert again == topup, "the same key begins nothing new"
        with pytest.raises(IdempotencyMismatch):
            await client.top_up("free", "sandbox", "key-1", amount=291)
        await play(selling, topup, "pay")
        paid = await becomes(client, topup, "paid")
        assert (paid.received, paid.action.kind) == (Money(amount=21, currency="CNY"), "none")
        assert [each.topup_id async for each in client.topups(page_size=1)] == [topup.topup_id]
        assert (await client.pay(offer)).balance == 0


async def test_what_was_shown_is_bought_or_nothing(selling: Shop) -> None:
    cust_id = await new_customer(selling, bells=0)
    async with AsyncClient(selling.url) as client:
        await log_in(client, cust_id)
        free, six = sorted(await client.topup_packages(), key=lambda package: package.package_id)
        for package, amount in ((free, 290), (six, None)):
            shown = package.terms(amount)
            topup = await client.top_up(package.package_id, "sandbox", f"key-{amount}", amount=amount, terms=shown)
            assert (topup.paid, topup.bonus, topup.price) == (shown.paid, shown.bonus, shown.price)
        for package, amount in ((free, None), (free, 0), (free, 5001), (six, 600)):
            with pytest.raises(ValueError, match="is not sold so"):
                package.terms(amount)
        await sell(selling, await api_key(selling, name="dearer"), price={"amount": 700, "currency": "CNY"})
        with pytest.raises(LingdangError) as refused:
            await client.top_up("six", "sandbox", "key-2", terms=six.terms())
        assert refused.value.code == "terms_changed"
        assert refused.value.members["terms"]["price"] == {"amount": 700, "currency": "CNY"}
        assert len([each async for each in client.topups()]) == 2


@pytest.mark.parametrize("package_id", ["six", "free"])
async def test_the_example_of_the_readme_begins_a_top_up_of_any_package(selling: Shop, package_id: str) -> None:
    cust_id = await new_customer(selling, bells=0)
    [example] = re.findall(r"## Top-ups\n.*?```python\n(.*?)```", text_of("sdk/python/README.md"), re.DOTALL)

    def run() -> Topup:
        with Client(selling.url) as client:
            client.open_session(cust_id, PASSWORD)
            sold = [each for each in client.topup_packages() if each.package_id == package_id]
            client.topup_packages = lambda: sold  # type: ignore[method-assign]
            names: dict[str, Any] = {"client": client}
            exec(example, names)
            topup = names["topup"]
            assert isinstance(topup, Topup)
            return topup

    topup = await asyncio.to_thread(run)
    assert (topup.package_id, topup.status) == (package_id, "pending")


async def test_a_wallet_in_debt_says_how_much(selling: Shop) -> None:
    cust_id = await new_customer(selling, bells=0)
    first, second = new_books(selling, 2, price=600)
    async with AsyncClient(selling.url) as client:
        await log_in(client, cust_id)
        topup = await client.top_up("six", "sandbox", "key-1")
        await play(selling, topup, "pay")
        await becomes(client, topup, "paid")
        await client.pay(await client.checkout([first]))
        await play(selling, topup, "refund:600")
        assert (await becomes(client, topup, "refunded")).refunded == 600
        with pytest.raises(WalletInDebt) as refused:
            await client.pay(await client.checkout([second]))
        assert refused.value.debt == 600
        assert (await client.wallet()).balances[0].debt == 600


async def test_the_synchronous_client_does_the_same(selling: Shop) -> None:
    cust_id = await new_customer(selling, bells=0)
    key = await api_key(selling, name=f"gifts {uuid4().hex[:8]}")
    body = {"campaign": "spring", "count": 1, "amount": 100}
    [code] = (await selling.http.post("/v1/admin/gift-codes", json=body, headers=key)).json()["codes"]

    def run() -> None:
        with Client(selling.url) as client:
            client.open_session(cust_id, PASSWORD)
            assert {package.package_id for package in client.topup_packages()} == {"six", "free"}
            topup = client.top_up("six", "sandbox", "key-1", channel="app")
            assert client.topup(topup.topup_id) == topup
            assert list(client.topups(page_size=1)) == [topup]
            done = client.redeem(code)
            assert (done.campaign, done.amount, done.balance, done.expires_at) == ("spring", 100, 100, None)
            assert client.redeem(code) == done
            with pytest.raises(LingdangError) as refused:
                client.redeem("nonsense")
            assert refused.value.code == "gift_code_unusable"

    await asyncio.to_thread(run)
