"""The accounts that the settings name, and their threads."""

import asyncio
import threading
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from lingdang.keys import Keyring
from lingdang.settings import Settings, SettingsError
from lingdang.topup import accounts
from lingdang.topup.accounts import Account, make_accounts
from lingdang.topup.providers.provider import Notification, Refused, Unavailable
from lingdang.topup.providers.sandbox import Sandbox
from support.stores import Store

STRIPE = {"kind": "stripe", "secret_key": "sk_test_1", "webhook_secret": "whsec_MTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0"}
ALIPAY = {"kind": "alipay", "app_id": "20210000", "seller_id": "2088000000000001", "private_key": "MIIEvQIBADANBgkq"}


def made(keyring: Keyring, providers: dict[str, Any], **more: Any) -> accounts.Accounts:
    given = {"public_url": "https://shop.example"} | more
    return make_accounts(Settings(topup_providers=providers, **given), "postgresql://", keyring)


def test_an_account_has_its_providers_settings(keyring: Keyring, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("sk_test_1\n")
    by_file = {name: value for name, value in STRIPE.items() if name != "secret_key"} | {"secret_key_file": str(secret)}
    for given in (STRIPE, by_file):
        found = made(keyring, {"cards": given})
        assert {name: account.provider.kind for name, account in found.items()} == {"cards": "stripe"}
        assert found["cards"].store is None


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"kind": "paypal"}, "expected one of"),
        ({}, "expected one of"),
        ({"kind": "stripe"}, "secret_key"),
        (STRIPE | {"secret_key": 7}, "secret_key"),
        (STRIPE | {"unknown": "x"}, "unknown"),
        (STRIPE | {"secret_key_file": "/nowhere/at/all"}, "secret_key_file"),
    ],
)
def test_one_that_cannot_be_is_refused_by_its_name(keyring: Keyring, given: dict[str, Any], said: str) -> None:
    with pytest.raises(SettingsError, match="LINGDANG_TOPUP_PROVIDERS: cards") as refused:
        made(keyring, {"cards": given})
    assert said in str(refused.value)
    assert "sk_test_1" not in str(refused.value)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (STRIPE | {"secret_key": "pk_live_1"}, "Expected a key of Stripe, which begins with sk_live_"),
        (ALIPAY, "Expected PEM, which begins with -----BEGIN; bare base64 is none - at `$.private_key`"),
        ({"kind": "google", "package_name": "a.b", "service_account": "/etc/key.json"}, "service_account_file names"),
    ],
)
def test_what_a_setting_has_to_be_is_told_in_words(keyring: Keyring, given: dict[str, Any], said: str) -> None:
    with pytest.raises(SettingsError) as refused:
        made(keyring, {"cards": given})
    assert said in str(refused.value)
    assert "regex" not in str(refused.value)


def test_real_providers_need_to_know_where_the_shop_is(keyring: Keyring) -> None:
    """They send their notifications there."""
    with pytest.raises(SettingsError, match="LINGDANG_PUBLIC_URL"):
        made(keyring, {"cards": STRIPE}, public_url=None)


def test_the_sandbox_is_there_when_it_is_asked_for(keyring: Keyring) -> None:
    assert set(made(keyring, {})) == set()
    assert set(made(keyring, {}, sandbox=True, public_url=None)) == {"sandbox"}
    with pytest.raises(SettingsError, match="the sandbox's"):
        made(keyring, {"sandbox": STRIPE}, sandbox=True)


@pytest.fixture
def account(keyring: Keyring) -> Account:
    return Account("sandbox", Sandbox("sandbox", "postgresql://", keyring, ""))


async def test_what_a_provider_fails_with_is_that_it_is_away(account: Account) -> None:
    def fail() -> None:
        raise KeyError("the library's own")

    def refuse() -> None:
        raise Refused("no_such_payment")

    with pytest.raises(Unavailable):
        await account.call(fail)
    with pytest.raises(Refused, match="no_such_payment"):
        await account.call(refuse)
    assert await account.call(lambda: 7) == 7
    account.close()


async def test_one_that_hangs_is_left_and_does_not_hold_up_notifications(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    let_go = threading.Event()
    monkeypatch.setattr(account._calls, "_seconds", 0.05)
    try:
        for _ in range(accounts.CALLS):
            with pytest.raises(Unavailable):
                await account.call(let_go.wait)
        began = time.monotonic()
        assert await account._told(account._reads, lambda: "read") == "read"
        assert time.monotonic() - began < accounts.READ_SECONDS
    finally:
        let_go.set()
        account.close()


async def test_no_more_wait_than_there_is_room_for(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(account._calls, "_most", 0)
    with pytest.raises(Unavailable):
        await account.call(lambda: 7)
    account.close()


async def test_customers_in_a_crowd_hold_up_no_call_of_the_shop(account: Account) -> None:
    let_go = threading.Event()
    crowd = [asyncio.create_task(account.call_for_customer(let_go.wait)) for _ in range(accounts.CALLS_WAITING)]
    try:
        await asyncio.sleep(0)
        with pytest.raises(Unavailable):
            await account.call_for_customer(lambda: 7)
        assert await asyncio.wait_for(account.call(lambda: 7), 5) == 7
    finally:
        let_go.set()
        await asyncio.gather(*crowd)
        account.close()


class Asks(Store):
    """It takes longer than a provider may that asks nobody."""

    def read(self, headers: Mapping[str, str], body: bytes, now: datetime) -> Notification:
        time.sleep(accounts.READ_SECONDS + 0.2)
        return Notification(id="n1", type="QUESTION", at=now)


async def test_a_store_may_be_asked_before_its_notification_is_taken() -> None:
    store = Account("google", Asks())
    assert (await store.read({}, b"", datetime.now(UTC))).id == "n1"
    store.close()
