"""Payments: the body as the route reads it, and the signature alone."""

from collections.abc import Sequence

from lingdang.payment.signing import string_to_sign, verifies
from lingdang.settings import SIGN_TYPES, SignType
from proof.attacks.payments import Sent, payment_target
from proof.attacks.world import Holder, World
from proof.fuzz.parser import GOOD, Parser, Reader, WrongError, only_issued

_MESSAGE = string_to_sign("ann", "nonce-12345678", "a.b.c.d.e", ["book-1", "book-2"], "-", 1767268800)


def payment_parsers(world: World) -> list[Parser]:
    """A body and a signature of each sign type."""
    return [_body(world, sign_type) for sign_type in SIGN_TYPES] + [_signature(world, t) for t in SIGN_TYPES]


def _body(world: World, sign_type: SignType) -> Parser:
    """Any body in one customer's session: nothing reaches the settlement but the requests that the customer signed."""
    target = payment_target(world, sign_type)
    own = _own(target.good)
    holder = own[0].holder

    def arrived(data: bytes) -> Sent:
        return Sent(holder, holder.token, holder.cust_id, data)

    return Parser(f"payment-{sign_type.lower()}", [it.body for it in own], only_issued(target, arrived))


def _own(good: Sequence[Sent]) -> list[Sent]:
    return [it for it in good if it.holder is good[0].holder]


def _signature(world: World, sign_type: SignType) -> Parser:
    holder = world.of_type(sign_type)[0]
    right = holder.sign(_MESSAGE)
    return Parser(f"signature-{sign_type.lower()}", [right.encode()], _signature_reader(holder, right))


def _signature_reader(holder: Holder, right: str) -> Reader:
    session = holder.session

    def read(data: bytes) -> str:
        given = data.decode("utf-8", "replace")
        if not verifies(given, _MESSAGE, session.sign_type, session.sign_key, session.public_key):
            return "sign_invalid"
        if given != right and (session.sign_type == "ES256" or given.upper() != right):
            raise WrongError(f"another signature is accepted: {given!r}")
        return GOOD

    return read
