"""A payment until its final answer, step by step and without a network."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

import msgspec
import pytest
from offers import NOW, SESSION_TOKEN, SIGN_KEY, TOKEN, answer, at, offer, order, paid, pending, problem, session

from lingdang_client import (
    AlreadyOwned,
    CustMismatch,
    InsufficientBells,
    LingdangError,
    MemoryOfferStore,
    NoSuchOffer,
    NotFound,
    Offer,
    PaymentUnfinished,
    Retry,
    ServerClock,
    Session,
    Step,
    TimestampSkew,
    TokenInvalid,
    Unauthenticated,
    Unreachable,
    UntrustedServer,
    sign,
)
from lingdang_client.calls import Calls
from lingdang_client.effects import Local, Op, Request, Response, Wait

T = TypeVar("T")
Given = Response | Exception


@dataclass
class World:
    """Performs effects from a script, and writes down what was sent, waited and kept at each sending."""

    script: Sequence[Given | Callable[[], Given]] = ()
    session: Session = field(default_factory=session)
    store: MemoryOfferStore = field(default_factory=MemoryOfferStore)
    now: float = NOW
    retry: Retry = field(default_factory=lambda: Retry(attempts=4, first=1, most=2))
    sent: list[Request] = field(default_factory=list)
    waits: list[float] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.calls = Calls(
            session=self.session,
            store=self.store,
            retry=self.retry,
            clock=ServerClock(lambda: self.now),
            on_step=self.steps.append,
        )
        self._answers = iter(self.script)

    def run(self, operation: Op[T]) -> T:
        try:
            effect = next(operation)
            while True:
                try:
                    result = self._perform(effect)
                except Exception as error:
                    effect = operation.throw(error)
                else:
                    effect = operation.send(result)
        except StopIteration as stop:
            answer: T = stop.value
            return answer

    def pay(self, offered: Offer) -> Any:
        return self.run(self.calls.payments.pay(offered))

    def _perform(self, effect: Request | Wait | Local) -> object:
        if isinstance(effect, Local):
            return effect.call()
        if isinstance(effect, Wait):
            self.waits.append(effect.seconds)
            self.now += effect.seconds
            return None
        self.sent.append(effect)
        if effect.path == "/v1/payments":
            body = sent_body(effect)
            kept = next(p for p in self.store.all() if p.offer.order_token == body["orderToken"])
            sent = (body["nonce"], body["timestamp"], body["sign"])
            assert (kept.nonce, kept.timestamp, kept.sign) == sent, "kept before it is sent"
        given = next(self._answers)
        given = given() if callable(given) else given
        if isinstance(given, Exception):
            raise given
        return given


def sent_body(request: Request) -> dict[str, Any]:
    assert request.body is not None
    return msgspec.json.decode(request.body, type=dict[str, Any])


LOST = Unreachable("connection reset")


def test_paid_at_once() -> None:
    offered = offer()
    world = World([paid(offered.order_id)])
    payment = world.pay(offered)
    assert (payment.paid, payment.balance, payment.replayed) == (18, 2, False)
    assert world.store.all() == []
    assert world.waits == []
    body = sent_body(world.sent[0])
    assert sorted(body) == ["nonce", "orderToken", "productIds", "sign", "signType", "timestamp"]
    text = (
        f"custId=ann&nonce={body['nonce']}&orderToken={TOKEN}&productIds=book-1,book-2"
        f"&signType=HMAC-SHA256&timestamp={int(NOW)}"
    )
    assert body["sign"] == sign(text, "HMAC-SHA256", SIGN_KEY)
    assert world.sent[0].headers["Authorization"] == f"Bearer {SESSION_TOKEN}"
    assert world.sent[0].headers["X-Cust-Id"] == "ann"
    assert [(step.number, step.signed) for step in world.steps] == [(4, text), (5, None)]
    assert world.steps[0].signature == body["sign"]


@pytest.mark.parametrize(
    "failure",
    [
        LOST,
        problem(503, "overloaded"),
        problem(503, "outcome_unknown"),
        problem(500, "internal_error"),
        problem(429, "rate_limited"),
        Response(502, {}, b"<html>Bad gateway</html>"),
        Response(504, {}, b""),
        Response(200, {}, b"<html>captive portal</html>"),
        Response(200, {}, b'{"orderId":"cut o'),
        paid("01890a5d-ac96-774b-bcce-b302099a8057"),
    ],
    ids=lambda f: f"{f}"[:40],
)
def test_what_is_not_a_final_answer_is_repeated_byte_for_byte(failure: Given) -> None:
    offered = offer()
    world = World([failure, failure, paid(offered.order_id, idempotent_replayed="true")])
    assert world.pay(offered).replayed
    assert len(world.sent) == 3
    assert world.sent[0] == world.sent[1] == world.sent[2]
    assert 0.5 <= world.waits[0] <= 1
    assert 1 <= world.waits[1] <= 2
    assert world.store.all() == []


def test_retry_after_is_honoured() -> None:
    offered = offer()
    busy = problem(503, "overloaded", {"retry_after": "17"}, retryAfter=17)
    world = World([busy, paid(offered.order_id)])
    world.pay(offered)
    assert world.waits == [17]


def test_retry_after_beyond_patience_and_attempts_used_up_end_unfinished() -> None:
    for script in ([problem(503, "overloaded", {"retry_after": "3600"})], [LOST] * 4, [UntrustedServer("no")]):
        offered = offer()
        world = World(script)
        with pytest.raises(PaymentUnfinished, match=offered.order_id) as unfinished:
            world.pay(offered)
        assert unfinished.value.order_id == offered.order_id
        assert len(world.sent) == len(script)
        kept = world.run(world.calls.payments.unfinished())
        assert [p.offer for p in kept] == [offered]
        again = World([paid(offered.order_id)], store=world.store)
        assert again.run(again.calls.payments.resume(offered.order_id)).order_id == offered.order_id
        assert again.sent[0] == world.sent[-1], "the kept request, byte for byte"
        assert again.store.all() == []


def test_insufficient_bells_keeps_the_offer_for_after_the_top_up() -> None:
    offered = offer()
    world = World([problem(402, "insufficient_bells", required=18, balance=5, shortfall=13), paid(offered.order_id)])
    with pytest.raises(InsufficientBells) as refused:
        world.pay(offered)
    assert (refused.value.required, refused.value.balance, refused.value.shortfall) == (18, 5, 13)
    assert (refused.value.status, refused.value.request_id, refused.value.title) == (402, "r-1", "T")
    assert len(world.store.all()) == 1
    assert world.pay(offered).paid == 18
    assert world.store.all() == []


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (410, "token_expired"),
        (409, "order_mismatch"),
        (409, "already_owned"),
        (409, "product_unavailable"),
        (409, "voucher_unusable"),
    ],
)
def test_a_refusal_for_good_is_raised_once_and_forgotten(status: int, code: str) -> None:
    world = World([problem(status, code, productIds=["book-1"])])
    with pytest.raises(LingdangError) as refused:
        world.pay(offer())
    assert refused.value.code == code
    assert not isinstance(refused.value, AlreadyOwned) or refused.value.product_ids == ["book-1"]
    assert len(world.sent) == 1
    assert world.store.all() == []


@pytest.mark.parametrize(
    ("status", "code"),
    [(401, "unauthenticated"), (403, "sign_invalid"), (400, "invalid_request"), (418, "new")],
)
def test_other_refusals_are_raised_and_the_payment_kept(status: int, code: str) -> None:
    world = World([LOST, problem(status, code)])
    with pytest.raises(LingdangError) as refused:
        world.pay(offer())
    assert refused.value.code == code
    assert type(refused.value) is not LingdangError or code == "new"
    assert len(world.sent) == 2
    assert len(world.store.all()) == 1


def test_a_retired_key_after_a_lost_answer_is_cleared_up_by_asking_for_the_order() -> None:
    offered = offer()
    world = World([LOST, problem(400, "token_invalid"), order(offered.order_id)])
    assert world.pay(offered).replayed
    assert world.sent[-1].path == f"/v1/orders/{offered.order_id}"
    assert world.store.all() == []
    unpaid = World([problem(400, "token_invalid"), problem(404, "not_found")])
    with pytest.raises(TokenInvalid):
        unpaid.pay(offer())
    assert unpaid.store.all() == []


def test_a_wrong_clock_is_corrected_from_the_refusal() -> None:
    offered = offer()
    world = World(
        [problem(403, "timestamp_skew", serverTime=at(5000)), LOST, paid(offered.order_id)],
    )
    world.pay(offered)
    first, second, third = map(sent_body, world.sent)
    assert (first["timestamp"], second["timestamp"]) == (int(NOW), int(NOW) + 5000)
    assert first["nonce"] != second["nonce"]
    assert second["sign"] != first["sign"]
    assert third["timestamp"] - second["timestamp"] <= 2
    assert len(world.waits) == 1  # the correction itself needs no pause


def test_a_server_that_disagrees_with_itself_is_not_asked_for_ever() -> None:
    world = World([problem(403, "timestamp_skew", serverTime=at(5000))] * 3)
    with pytest.raises(TimestampSkew):
        world.pay(offer())
    assert len(world.store.all()) == 1
    silent = World([problem(403, "timestamp_skew")])
    with pytest.raises(TimestampSkew):
        silent.pay(offer())


def test_a_timestamp_that_became_too_old_is_signed_anew() -> None:
    offered = offer()

    def lost_after_minutes() -> Given:
        world.now += 241
        return LOST

    world = World([lost_after_minutes, paid(offered.order_id, idempotent_replayed="true")])
    assert world.pay(offered).replayed
    first, second = map(sent_body, world.sent)
    assert second["timestamp"] >= first["timestamp"] + 241
    assert second["nonce"] != first["nonce"]
    assert second["sign"] != first["sign"]
    assert second["orderToken"] == first["orderToken"]


def test_a_crash_at_any_moment_leaves_nothing_sent_or_the_payment_kept() -> None:
    def effects_of(world: World, count: int, offered: Offer) -> None:
        """Perform so many effects, then stop as a crash does."""
        operation = world.calls.payments.pay(offered)
        result: object = None
        for turn in range(count):
            effect = next(operation) if turn == 0 else operation.send(result)
            result = world._perform(effect)

    for count in range(6):
        offered = offer()
        world = World([problem(503, "overloaded"), paid(offered.order_id)])
        effects_of(world, count, offered)
        if world.sent:
            assert [p.offer for p in world.store.all()] == [offered]
            after = World([paid(offered.order_id, idempotent_replayed="true")], store=world.store)
            assert after.run(after.calls.payments.resume(offered.order_id)).replayed
        else:
            assert count <= 2


class TestAnotherSession:
    """The token belongs to the session that was lost: what can be known is asked for."""

    def world(self, *script: Given, now: float = NOW) -> tuple[World, str]:
        kept = pending()
        world = World(script, session=session("session-2"), now=now)
        world.store.put(kept)
        return world, kept.offer.order_id

    def test_paid(self) -> None:
        kept = pending()
        world = World([order(kept.offer.order_id)], session=session("session-2"))
        world.store.put(kept)
        payment = world.run(world.calls.payments.resume(kept.offer.order_id))
        assert (payment.replayed, payment.paid, payment.entitlements[0].product_id) == (True, 9, "book-1")
        assert world.store.all() == []

    def test_not_paid_so_far(self) -> None:
        world, order_id = self.world(problem(404, "not_found"))
        with pytest.raises(PaymentUnfinished):
            world.run(world.calls.payments.resume(order_id))
        assert len(world.store.all()) == 1

    def test_never_paid(self) -> None:
        world, order_id = self.world(problem(404, "not_found"), now=NOW + 900 + 241)
        with pytest.raises(NotFound, match="never paid"):
            world.run(world.calls.payments.resume(order_id))
        assert world.store.all() == []

    def test_paying_it_asks_too(self) -> None:
        kept = pending()
        world = World([order(kept.offer.order_id)], session=session("session-2"))
        world.store.put(kept)
        assert world.pay(kept.offer).replayed
        assert [request.method for request in world.sent] == ["GET"]
        assert world.store.all() == []

    def test_an_offer_that_was_not_kept(self) -> None:
        offered = offer()
        world = World([problem(403, "cust_mismatch"), problem(404, "not_found")])
        with pytest.raises(CustMismatch):
            world.pay(offered)
        assert world.store.all() == []
        earlier = World([problem(403, "cust_mismatch"), order(offered.order_id)])
        assert earlier.pay(offered).replayed
        assert earlier.store.all() == []

    def test_not_asked(self) -> None:
        world, order_id = self.world(problem(401, "unauthenticated"))
        with pytest.raises(Unauthenticated):
            world.run(world.calls.payments.resume(order_id))
        assert len(world.store.all()) == 1


def test_resume_of_what_is_not_kept() -> None:
    world = World()
    with pytest.raises(NoSuchOffer):
        world.run(world.calls.payments.resume(offer().order_id))


def test_unfinished_are_the_customers_own() -> None:
    world = World()
    world.store.put(pending(cust_id="bob"))
    assert world.run(world.calls.payments.unfinished()) == []


def test_another_customers_payment_is_neither_asked_about_nor_sent_nor_ended() -> None:
    """The next who signs in with the same store finds nothing; the owner's payment stays, also when its offer ended."""
    kept = pending(cust_id="bob")
    for now in (NOW, NOW + 10_000):
        world = World(now=now)
        world.store.put(kept)
        with pytest.raises(NoSuchOffer):
            world.run(world.calls.payments.resume(kept.offer.order_id))
        with pytest.raises(NoSuchOffer):
            world.run(world.calls.payments.pay(kept.offer))
        assert world.sent == []
        assert world.store.all() == [kept]


def test_no_secret_shows_in_any_repr() -> None:
    offered = offer()
    world = World([answer(200, {"token": SESSION_TOKEN}), paid(offered.order_id)])
    world.pay(offered)
    things = [world.session, offered, pending(), *world.steps, *world.sent, *world.store.all()]
    shown = " ".join(map(repr, things)) + str(
        [thing.__rich_repr__() for thing in things if hasattr(thing, "__rich_repr__")]
    )
    assert "ann" in shown
    for secret in (TOKEN, SESSION_TOKEN, SIGN_KEY, "kept-nonce", "KEPT-SIGN", sent_body(world.sent[0])["sign"]):
        assert secret not in shown


def test_a_session_is_dumped_and_loaded() -> None:
    assert Session.load(session().dump()) == session()
    for wrong in (b"", b"{}", session().dump().replace(b"pU3K", b"\xff")):
        with pytest.raises(ValueError, match="not a dumped session"):
            Session.load(wrong)
