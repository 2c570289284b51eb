"""The clients: they carry out a plan's steps, repeat what was not answered, and write down all that they see.

What they sign they sign with code of their own.
"""

import hashlib
import hmac
from collections.abc import Coroutine
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from lingdang.backoffice.wallets import CreditRequest, credit_wallet
from lingdang.checkout.checkouts import CheckoutRequest
from lingdang.identity.sessions import IssuedSession
from lingdang.ledger.expiring import Expire
from lingdang.payment.payments import PaymentRequest
from lingdang.settings import SignType
from proof.simulation.asking import Asking, customer_of
from proof.simulation.correcting import Correcting
from proof.simulation.giving_back import GivingBack, policy_of
from proof.simulation.history import FOREVER, Event, History
from proof.simulation.looking import look
from proof.simulation.plan import (
    BASE,
    Adjustment,
    Deposit,
    Grant,
    Jump,
    Kill,
    Lapse,
    Logout,
    Open,
    Payment,
    Plan,
    Quote,
    Recall,
    Redemption,
    Refund,
    Reversal,
    Revocation,
    Shelf,
    Step,
    TakeBack,
    TopUp,
    Trouble,
    key_of,
)
from proof.simulation.shop import Shop
from proof.simulation.topping_up import ToppingUp
from proof.simulation.workers import Fleet, Worker, all_of, spin

NO_FLAWS: frozenset[str] = frozenset()
_TRIES = 20
"""How often a client sends a request again once all faults have ended; what they broke is noticed by the first."""


@dataclass(frozen=True)
class Offered:
    """An offer in a client's hand: the checkout's answer, and the session it was made in."""

    customer: int
    session: int
    answer: dict[str, Any]


class Clients:
    """All the clients of one plan."""

    def __init__(self, plan: Plan, fleet: Fleet, shop: Shop, history: History) -> None:
        self.history = history
        self._plan = plan
        self._fleet = fleet
        self._shop = shop
        self._asking = Asking(fleet, history)
        self._offers: dict[int, Offered] = {}
        issuer = fleet.workers[0].sessions
        self._sessions: list[list[IssuedSession]] = [
            [issuer.issue(customer_of(cust_id), _sign_type(name), None, BASE) for name in names]
            for cust_id, names in zip(plan.customers, plan.sign_types, strict=True)
        ]
        self._orders: dict[int, tuple[int, str]] = {}
        """Customer and id of the order in each slot."""
        self._giving_back = GivingBack(plan, self._asking, self._sessions, self._orders)
        self._correcting = Correcting(plan, self._asking)
        self._topping_up = ToppingUp(plan, self._asking, shop.codes)

    async def wave(self, steps: tuple[Step, ...]) -> None:
        """Do the steps at the same time, each after its turns of the event loop."""
        await all_of([self._step(step) for step in steps])

    async def settle_up(self) -> None:
        """When all faults have ended: all that was sent once more, until it is answered; then all that is shown."""
        self._asking.final = True
        route = (0,) * _TRIES
        paid = {r.about.slot: None for r in self.history.requests if r.kind == "payment"}
        deposits = {(d.customer, d.credit_id): d for d in self._deposits()}
        await all_of(
            [self._pay(Payment(slot, NO_FLAWS, 0, None, (route,))) for slot in paid]
            + [self._deposit_once(deposit, route) for deposit in deposits.values()]
            + [self._giving_back.again(route), self._correcting.again(route), self._topping_up.again(route)]
        )
        await look(self._plan, self._asking, policy_of(self._plan), route)

    def _deposits(self) -> list[Deposit]:
        """The credits that were sent; the last to be kept is the one that was sent first."""
        return [r.about for r in reversed(self.history.requests) if r.kind == "deposit"]

    async def _step(self, step: Step) -> None:
        await spin(step.spins)
        action = step.action
        if isinstance(action, Deposit):
            await all_of([self._deposit_once(action, route) for route in action.routes])
        elif isinstance(action, Quote):
            await self._quote(action)
        elif isinstance(action, Payment):
            await self._pay(action)
        elif isinstance(action, Lapse):
            await self._lapse(action)
        elif isinstance(action, Refund | Grant | Revocation | Open):
            await self._giving_back.do(action)
        elif isinstance(action, Adjustment | Reversal):
            await self._correcting.do(action)
        elif isinstance(action, TopUp | TakeBack | Redemption):
            await self._topping_up.do(action)
        else:
            await self._world(action)

    async def _world(self, action: Shelf | Recall | Logout | Jump | Kill | Trouble) -> None:
        if isinstance(action, Kill):
            self._fleet.workers[action.worker].kill()
        elif isinstance(action, Trouble):
            self._fleet.workers[action.worker].wires[action.wire].arm(action.fault, action.after)
        elif isinstance(action, Jump):
            self._jump(action)
        elif isinstance(action, Shelf):
            book = self._plan.books[action.book].product_id
            await self._event("shelved" if action.active else "withdrawn", book, self._shop.shelf(book, action.active))
        elif isinstance(action, Recall):
            coupon = self._plan.coupons[action.coupon].coupon_id
            await self._event("recalled", coupon, self._shop.recall(coupon))
        else:
            session = self._sessions[action.customer][action.session]
            session_id, expires_at = str(session.session_id), session.expires_at.isoformat()
            ending = self._shop.end_session(session.customer.cust_id, session_id, expires_at)
            await self._event("ended", session_id, ending)

    async def _event(self, what: str, whom: str, work: Coroutine[Any, Any, None]) -> None:
        event = Event(what, whom, self.history.tick(), FOREVER)
        self.history.events.append(event)
        await work
        event.done = self.history.tick()

    def _jump(self, jump: Jump) -> None:
        clock = self._fleet.clock
        by = jump.by
        if jump.offer is not None:
            offer = self._offers.get(jump.offer)
            by = timedelta() if offer is None else datetime.fromisoformat(offer.answer["expiresAt"]) - clock.now
        elif jump.seconds is not None:
            by = BASE + timedelta(seconds=jump.seconds) - clock.now
        by = (by or timedelta()) + timedelta(milliseconds=jump.off)
        clock.move(max(by, timedelta()) if self._plan.monotone else by)

    async def _deposit_once(self, deposit: Deposit, route: tuple[int, ...]) -> None:
        cust_id = self._plan.customers[deposit.customer]
        expires_at = None if deposit.lapses is None else BASE + timedelta(seconds=deposit.lapses)
        request = CreditRequest(
            credit_id=deposit.credit_id,
            amount=deposit.amount,
            kind="paid" if deposit.kind == "paid" else "bonus",
            reason="simulated",
            expires_at=expires_at,
            currency=deposit.currency,
        )
        wanted = {"creditId": deposit.credit_id, "amount": deposit.amount, "kind": deposit.kind}
        wanted |= {"expiresAt": expires_at, "currency": deposit.currency}
        await self._asking.ask(
            "deposit",
            cust_id,
            deposit,
            wanted,
            route,
            lambda worker: credit_wallet(worker.settlement, customer_of(cust_id), request),
        )

    async def _lapse(self, lapse: Lapse) -> None:
        cust_id = self._plan.customers[lapse.customer]
        command = Expire(customer=key_of(cust_id), currency=lapse.currency)

        async def send(worker: Worker) -> tuple[Any, bool]:
            await worker.settlement.submit(command)
            return {}, False

        await self._asking.ask("lapse", cust_id, lapse, {}, lapse.route, send)

    async def _quote(self, quote: Quote) -> None:
        session = self._sessions[quote.customer][quote.session]
        code = None if quote.code is None else self._plan.coupons[quote.code].code
        request = CheckoutRequest(
            product_ids=tuple(self._plan.books[book].product_id for book in quote.books),
            voucher_ids=None if quote.vouchers else (),
            voucher_code=code,
        )

        async def send(worker: Worker) -> tuple[Any, bool]:
            bearer = f"Bearer {session.session_token}"
            asker = worker.sessions.authenticate(bearer, session.customer.cust_id, worker.now())
            return await worker.checkouts.quote(request, asker), False

        wanted = {"productIds": list(request.product_ids), "code": code, "vouchers": quote.vouchers}
        wanted["sessionId"] = str(session.session_id)
        answer = await self._asking.ask("checkout", session.customer.cust_id, quote, wanted, quote.route, send)
        if answer is not None and answer.outcome == "ok":
            self._offers[quote.slot] = Offered(quote.customer, quote.session, answer.body)
            self._orders[quote.slot] = (quote.customer, answer.body["orderId"])

    async def _pay(self, payment: Payment) -> None:
        offer = self._offers.get(payment.slot)
        if offer is not None:
            await all_of([self._pay_once(payment, offer, route) for route in payment.routes])

    async def _pay_once(self, payment: Payment, offer: Offered, route: tuple[int, ...]) -> None:
        flaws = payment.flaws
        own = self._sessions[offer.customer]
        session = own[1 - offer.session] if "other_session" in flaws else own[offer.session]
        own_id = session.customer.cust_id
        cust_id = own_id + "x" if "customer" in flaws else own_id
        token = "x" + session.session_token if "session" in flaws else session.session_token
        wanted = {"orderId": offer.answer["orderId"], "flaws": sorted(flaws), "offset": payment.offset}
        wanted["sessionId"] = str(session.session_id)

        async def send(worker: Worker) -> tuple[Any, bool]:
            request = self._signed(payment, offer, session, worker)
            worker.payments.require_room()
            now = worker.now()
            asker = worker.sessions.authenticate(f"Bearer {token}", cust_id, now)
            return await worker.payments.confirm(request, asker, now)

        await self._asking.ask("payment", own_id, payment, wanted, route, send, payment.patience)

    def _signed(self, payment: Payment, offer: Offered, session: IssuedSession, worker: Worker) -> PaymentRequest:
        """The request, with its flaws. Its timestamp is `offset` seconds from the second the worker's clock shows."""
        flaws = payment.flaws
        products = [line["productId"] for line in offer.answer["lines"]]
        if "products" in flaws:
            products = [*products[1:], self._plan.books[0].product_id + "x"]
        token = offer.answer["orderToken"]
        fields = {
            "custId": session.customer.cust_id,
            "nonce": f"nonce-{payment.slot:04}",
            "orderToken": _altered(token) if "token" in flaws else token,
            "productIds": ",".join(products),
            "signType": "ES256" if "sign_type" in flaws else session.sign_type,
            "timestamp": str(int(worker.now().timestamp()) + payment.offset),
        }
        sign = _sign(session.sign_type, session.sign_key or "", fields)
        return PaymentRequest(
            product_ids=tuple(products),
            timestamp=int(fields["timestamp"]),
            nonce=fields["nonce"],
            order_token=fields["orderToken"],
            sign_type=fields["signType"],
            sign=_altered(sign) if "sign" in flaws else sign,
        )


def _sign_type(name: str) -> SignType:
    return "MD5" if name == "MD5" else "HMAC-SHA256"


def _sign(sign_type: str, key: str, fields: dict[str, str]) -> str:
    text = "&".join(f"{name}={fields[name]}" for name in sorted(fields)) + f"&key={key}"
    if sign_type == "MD5":
        return hashlib.md5(text.encode()).hexdigest().upper()
    return hmac.new(key.encode(), text.encode(), "sha256").hexdigest().upper()


def _altered(text: str) -> str:
    """Another text of the same form: its last character but one is another."""
    return text[:-2] + ("A" if text[-2] != "A" else "B") + text[-1]
