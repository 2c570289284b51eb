"""All desks in one process: their APIs below their names, what a plan makes of them, and a door to play payers."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import msgspec

from proof.standin import alipay, apple, google, stripe, wechat
from proof.standin.desk import Desk, Message
from proof.standin.faults import Chance, Faults
from proof.standin.sending import Sender, faulty, journeys
from proof.standin.web import Answer, Request, json_answer, serving

Play = Mapping[str, Any]


class Standin:
    """The desks at their `address`, and whoever sends their notifications."""

    def __init__(self, faults: Faults, endpoints: Mapping[str, str], clock: Callable[[], float] = time.time) -> None:
        self.chance = Chance(faults)
        self.sender = Sender()
        self.address = ""
        self.stripe = stripe.StripeDesk(clock, endpoints.get("stripe"))
        self.wechat = wechat.WechatDesk(clock)
        self.alipay = alipay.AlipayDesk(clock)
        self.apple = apple.AppleDesk(clock, endpoints.get("apple"))
        self.google = google.GoogleDesk(clock, endpoints.get("google"))
        self.desks: Mapping[str, Desk] = {
            desk.name: desk for desk in (self.stripe, self.wechat, self.alipay, self.apple, self.google)
        }
        for closing in (self.stripe, self.wechat, self.alipay):
            closing.before_close = lambda number, desk=closing: self._hurry(desk, number)  # type: ignore[misc]

    def play(self, what: Play) -> None:
        """Have a payer, a bank or a merchant do something: `{provider, do, number, …}`, where `do` is a method of the
        desk and the rest are its arguments. Its notification is sent by the plan."""
        desk = self.desks[what["provider"]]
        arguments = {name: value for name, value in what.items() if name not in ("provider", "do")}
        if what["do"] == "pay":
            arguments.setdefault("wrong", self.chance.wrong())
        told = getattr(desk, what["do"])(**arguments)
        if isinstance(told, Message):
            self.send(told)

    def send(self, message: Message) -> None:
        """Send a notification as the plan has it."""
        for delay, each in journeys(message, self.desks[message.provider], self.chance):
            self.sender.send(each, delay)

    def accounts(self) -> dict[str, dict[str, object]]:
        """The settings with which a shop takes the desks for its providers."""
        at = self.address
        return {
            "stripe": {
                "kind": "stripe",
                "secret_key": stripe.SECRET_KEY,
                "webhook_secret": stripe.WEBHOOK_SECRET,
                "api": f"{at}/stripe",
            },
            "wechat": {
                "kind": "wechat",
                "mchid": wechat.MCHID,
                "appid": wechat.APPID,
                "private_key": wechat.merchant_pem(),
                "certificate_serial": wechat.CERTIFICATE_SERIAL,
                "apiv3_key": wechat.APIV3_KEY,
                "public_key": wechat.platform_pem(),
                "public_key_id": wechat.PLATFORM_KEY_ID,
                "api": f"{at}/wechat",
            },
            "alipay": {
                "kind": "alipay",
                "app_id": alipay.APP_ID,
                "seller_id": alipay.SELLER_ID,
                "private_key": alipay.app_pem(),
                "alipay_public_key": alipay.alipay_pem(),
                "gateway": f"{at}/alipay/gateway.do",
            },
            "apple": {
                "kind": "apple",
                "bundle_id": apple.BUNDLE_ID,
                "app_apple_id": apple.APP_ID,
                "root_certificates": apple.chain().root_pem,
                "issuer_id": apple.ISSUER_ID,
                "key_id": apple.KEY_ID,
                "private_key": apple.api_key_pem(),
                "online_checks": False,
                "api": f"{at}/apple",
            },
            "google": {
                "kind": "google",
                "package_name": google.PACKAGE,
                "service_account": google.service_account(f"{at}/google"),
                "subscription": google.SUBSCRIPTION,
                "push_audience": google.AUDIENCE,
                "push_email": google.PUSHER,
                "api": f"{at}/google",
                "certificates": f"{at}/google/certs",
            },
        }

    def _hurry(self, desk: Desk, number: str) -> None:
        """Somebody pays before a page is closed, at times."""
        if self.chance.happens(self.chance.faults.paid_at_close):
            self.send(desk.pay(number))

    def _control(self, request: Request) -> Answer:
        try:
            self.play(msgspec.json.decode(request.body))
        except LookupError as error:
            unknown = f"nothing is known of {error}: Alipay's page has to be opened first, other top-ups to be begun"
            return json_answer({"error": unknown}, 400)
        except (msgspec.DecodeError, TypeError, AttributeError, StopIteration) as error:
            return json_answer({"error": f"{type(error).__name__}: {error}"}, 400)
        return Answer(204)

    def _settings(self, _: Request) -> Answer:
        return json_answer(self.accounts())

    @contextmanager
    def serving(self, port: int = 0) -> Iterator["Standin"]:
        """At its address for as long as it is held: each desk, `/control` and `/accounts`."""
        desks = {name: faulty(desk.answer, self.chance) for name, desk in self.desks.items()}
        with serving({**desks, "control": self._control, "accounts": self._settings}, port) as self.address:
            self.stripe.pages = f"{self.address}/pages"
            self.wechat.address, self.alipay.address = f"{self.address}/wechat", f"{self.address}/alipay"
            try:
                yield self
            finally:
                self.sender.end()
