"""An answer is dated before it was asked for: what a provider tells of meanwhile is newer, in every provider."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from lingdang.ids import uuid7
from lingdang.topup.money import Money
from lingdang.topup.providers import alipay, apple, google, stripe, wechat
from lingdang.topup.providers.provider import Provider, Standing
from proof.standin.alipay import AlipayDesk
from proof.standin.apple import AppleDesk
from proof.standin.google import GoogleDesk
from proof.standin.stripe import SECRET_KEY, WEBHOOK_SECRET, StripeDesk
from proof.standin.web import Answer, Request
from proof.standin.wechat import WechatDesk
from support import alipay as alipay_app
from support import apple as apple_app
from support import google as google_app
from support import wechat as wechat_merchant
from support.providers import order, served

ORDER = msgspec.structs.replace(order(topup_id=uuid7()), expires_at=datetime.now(UTC) + timedelta(hours=1))
NUMBER = ORDER.topup_id.hex
SIX = Money(600, "CNY")


class Slow:
    """A provider that takes its time for the first answer after `asked_at` was forgotten."""

    def __init__(self, desk: Any) -> None:
        self._desk = desk
        self.asked_at: datetime | None = datetime.now(UTC)

    def answer(self, request: Request) -> Answer | None:
        answer: Answer | None = self._desk.answer(request)
        if self.asked_at is None:
            self.asked_at = datetime.now(UTC)
            time.sleep(1)  # times are told in whole seconds
        return answer


@contextmanager
def _opened(name: str) -> Iterator[tuple[Provider, Slow, str | None]]:
    """A provider that has a payment, its stand-in, and the payment's reference where one is needed."""
    desks: dict[str, Callable[[], Any]] = {
        "stripe": StripeDesk,
        "wechat": WechatDesk,
        "alipay": AlipayDesk,
        "apple": AppleDesk,
        "google": GoogleDesk,
    }
    makers: dict[str, Callable[[str], Provider]] = {
        "stripe": lambda address: stripe.make(
            stripe.Account(secret_key=SECRET_KEY, webhook_secret=WEBHOOK_SECRET, api=address)
        ),
        "wechat": lambda address: wechat.make(wechat_merchant.account(address)),
        "alipay": lambda address: alipay.make(alipay_app.account(address)),
        "apple": lambda address: apple.make(apple_app.account(address)),
        "google": lambda address: google.make(google_app.account(address)),
    }
    desk = desks[name]()
    slow = Slow(desk)
    with served(name, slow.answer) as address:
        provider = makers[name](address)
        reference = _bought(name, desk, provider)
        slow.asked_at = None
        yield provider, slow, reference


def _bought(name: str, desk: Any, provider: Provider) -> str | None:
    if name == "google":
        return str(desk.buy(NUMBER))
    if name == "apple":
        return provider.purchase(desk.buy(NUMBER), datetime.now(UTC)).reference  # type: ignore[attr-defined,no-any-return]
    action = provider.begin(ORDER).action
    if name == "alipay":
        desk.open(action.url)
    desk.pay(NUMBER)
    found = provider.ask(ORDER.topup_id, None)
    assert found is not None
    return found.reference


def _are_before(answers: Sequence[Standing | None], slow: Slow) -> None:
    assert answers
    for answer in answers:
        assert answer is not None
        assert slow.asked_at is not None
        assert answer.at <= slow.asked_at


@pytest.mark.parametrize("name", ["stripe", "wechat", "alipay", "apple", "google"])
def test_an_answer_is_as_old_as_its_question(name: str) -> None:
    with _opened(name) as (provider, slow, reference):
        _are_before([provider.ask(ORDER.topup_id, reference)], slow)


def test_a_page_that_nobody_paid_yet_is_as_old_too() -> None:
    slow = Slow(StripeDesk())
    with served("stripe", slow.answer) as address:
        provider = stripe.make(stripe.Account(secret_key=SECRET_KEY, webhook_secret=WEBHOOK_SECRET, api=address))
        reference = provider.begin(ORDER).reference
        slow.asked_at = None
        _are_before([provider.close(ORDER.topup_id, reference)], slow)


@pytest.mark.parametrize("name", ["wechat", "alipay"])
def test_so_is_the_answer_to_a_refund(name: str) -> None:
    with _opened(name) as (provider, slow, reference):
        _are_before([provider.refund(ORDER.topup_id, reference or "", "r", Money(100, "CNY"), SIX).standing], slow)


def test_so_is_a_day_s_list() -> None:
    with _opened("stripe") as (provider, slow, _):
        _are_before(list(provider.list_day(datetime.now(UTC).date())), slow)
