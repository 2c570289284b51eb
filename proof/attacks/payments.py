"""Payment requests: their bodies, their signatures, and what a signature is over."""

import base64
import json
from collections.abc import Callable, Mapping, Sequence
from random import Random
from typing import Any, NamedTuple

import msgspec

from lingdang.checkout.order_token import OrderTokens
from lingdang.http.bound import Bound, Gate
from lingdang.ledger.done import Done
from lingdang.ledger.rules import Command
from lingdang.ledger.settlement import Settlement
from lingdang.payment.payments import PaymentRequest, Payments
from lingdang.routes.payments import routes
from lingdang.settings import SIGN_TYPES, SignType
from proof.attacks.dotted import DOTTED, ODD_VALUES, decoded, encoded, recoded
from proof.attacks.minting import NOW, keyed_digest, uuid
from proof.attacks.platforms import at_once
from proof.attacks.target import Alter, Target
from proof.attacks.texts import TEXTS, any_text
from proof.attacks.world import CUSTOMERS, Holder, World, offer, order_token

CODES = frozenset(
    {
        "invalid_request",
        "unauthenticated",
        "cust_mismatch",
        "token_invalid",
        "order_mismatch",
        "timestamp_skew",
        "sign_invalid",
    }
)

_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
"""Of the curve P-256."""

_decode = msgspec.json.Decoder(PaymentRequest).decode

Fields = dict[str, Any]


class Sent(NamedTuple):
    """A payment request as it arrives, and the session that it was made in."""

    holder: Holder
    token: str
    cust_id: str
    body: bytes


class ReachedError(Exception):
    """A payment got as far as the settlement: every check has accepted it."""


class _Till(Settlement):
    """Stands where the settlement begins."""

    def __init__(self) -> None:
        """Needs no database."""

    def require_room(self) -> None:
        """There is always room."""

    async def submit(self, command: Command) -> Done:
        raise ReachedError(command)


def payment_target(world: World, sign_type: SignType) -> Target[Sent]:
    """The payment route's own decoder and handler, up to the settlement, with sessions of one sign type."""
    (served,) = routes(Payments(OrderTokens(world.keys), _Till()), lambda _: None)
    route = Bound(served, Gate(world.sessions.authenticate, _no_key, world.clock))

    def verify(it: Sent) -> None:
        headers = {b"authorization": f"Bearer {it.token}".encode("latin-1"), b"x-cust-id": it.cust_id.encode("latin-1")}
        try:
            at_once(route.handle(route.asked(headers, it.body, {}, "")))
        except ReachedError:
            return
        raise AssertionError("a payment was answered without the settlement")

    good = [_payment(world, holder) for holder in world.of_type(sign_type) for _ in range(2)]
    return Target(f"payment, {sign_type}", good, _kinds(world, sign_type), verify, CODES, _meaning)


async def _no_key(*_: object) -> None:
    """No operator pays."""


def _payment(world: World, holder: Holder) -> Sent:
    sold = offer(world.rng, holder.session)
    fields: Fields = {
        "productIds": [line.product_id for line in sold.lines],
        "timestamp": int(NOW.timestamp()) + world.rng.randrange(-300, 301),
        "nonce": uuid(world.rng).hex,
        "orderToken": order_token(world.keys, world.rng, "k3", sold),
        "signType": holder.session.sign_type,
    }
    return _signed(Sent(holder, holder.token, holder.cust_id, b""), fields)


def _kinds(world: World, sign_type: SignType) -> Mapping[str, Alter[Sent]]:
    kinds: dict[str, Alter[Sent]] = {
        "the body's characters": _any_body,
        "a signed field": _any_field,
        "a field's type or range": _odd_field,
        "fields added, missing, renamed": _other_members,
        "another X-Cust-Id": lambda rng, it, _: it._replace(cust_id=_header(rng, it.cust_id)),
        "another session's token": lambda rng, it, _: it._replace(token=rng.choice(world.holders).token),
        "another request's field": _others_field,
        "re-signed: another order token": lambda rng, it, every: _resigned(
            it, orderToken=_others_order(rng, it, every)
        ),
        "re-signed: altered order token": _altered_order,
        "re-signed: other products": _other_products,
        "re-signed: too early or late": _other_time,
        "re-signed: another sign type": _other_type,
        "signed over something else": _other_rule,
        "signed by somebody else": lambda rng, it, _: _put(it, sign=_others_signature(rng, it, world)),
        "signature: written otherwise": _of_sign(_written_otherwise),
    }
    kinds |= {f"signature: {name}": _of_sign(alter) for name, alter in TEXTS.items()}
    if sign_type == "ES256":
        kinds["signature: other numbers"] = _of_sign(_other_numbers)
        kinds["signature: base64 written otherwise"] = _of_sign(lambda rng, sign: recoded(rng, sign, ()))
    else:
        kinds["signature: without the key"] = _without_the_key
        del kinds["signature: upper and lower case"]  # the contract takes hex in either
    return kinds


def _fields(it: Sent) -> Fields:
    fields: Fields = json.loads(it.body)
    return fields


def _put(it: Sent, **changed: Any) -> Sent:
    """Fields of the body set; the signature is as it was."""
    return it._replace(body=json.dumps(_fields(it) | changed).encode())


def _signed(it: Sent, fields: Fields) -> Sent:
    return it._replace(body=json.dumps({**fields, "sign": it.holder.sign(_message(it, fields))}).encode())


def _resigned(it: Sent, **changed: Any) -> Sent:
    """Fields set, and then signed as the contract says."""
    return _signed(it, _fields(it) | changed)


def _message(it: Sent, fields: Fields) -> str:
    return "&".join(f"{name}={value}" for name, value in sorted(_values(it, fields).items()))


def _values(it: Sent, fields: Fields) -> dict[str, str]:
    """The signed fields as texts."""
    values = {name: str(value) for name, value in fields.items() if name != "sign"}
    return values | {"custId": it.holder.cust_id, "productIds": ",".join(map(str, fields["productIds"]))}


def _meaning(it: Sent) -> object:
    """Hex is taken in either case, and JSON may be written in many ways."""
    try:
        request = _decode(it.body)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return it.token, it.cust_id, it.body
    sign = request.sign.lower() if request.sign_type != "ES256" and request.sign.isascii() else request.sign
    return it.token, it.cust_id, msgspec.structs.replace(request, sign=sign)


def _header(rng: Random, cust_id: str) -> str:
    """Something else, as far as a header can carry it."""
    altered = rng.choice((any_text(rng, cust_id), rng.choice(CUSTOMERS), ""))
    return altered.encode("latin-1", "replace").decode("latin-1")


def _any_body(rng: Random, it: Sent, _every: Sequence[Sent]) -> Sent:
    return it._replace(body=any_text(rng, it.body.decode()).encode("utf-8", "surrogatepass"))


def _any_field(rng: Random, it: Sent, _every: Sequence[Sent]) -> Sent:
    """One of the signed values changed after it was signed."""
    fields = _fields(it)
    name = rng.choice(("productIds", "timestamp", "nonce", "orderToken", "signType"))
    if name == "timestamp":
        return _put(it, timestamp=fields[name] + rng.choice((1, -1, 60, -60, 3600, 10**9, 1 << rng.randrange(80))))
    if name == "productIds":
        at = rng.randrange(len(fields[name]))
        ids = list(fields[name])
        ids[at] = any_text(rng, ids[at])
        return _put(it, productIds=ids)
    return _put(it, **{name: any_text(rng, fields[name])})


def _odd_field(rng: Random, it: Sent, _every: Sequence[Sent]) -> Sent:
    """A value of another type, or beyond what can be; signed again as far as that makes sense, or not."""
    fields = _fields(it)
    name = rng.choice(list(fields))
    value = fields[name]
    odd = rng.choice(
        (*ODD_VALUES, str(value), [value], {"value": value}, f"{value}\n", f" {value}", 2**53 + 1, -(2**63))
    )
    if name == "timestamp":
        odd = rng.choice((odd, str(value), float(value), value + 0.5, f"{value}.0", value * 1000, 2**53, 2**64, -value))
    changed = {**fields, name: odd}
    signed = isinstance(changed["productIds"], list) and name != "sign" and rng.random() < 0.5
    return _signed(it, changed) if signed else it._replace(body=json.dumps(changed).encode())


def _other_members(rng: Random, it: Sent, _every: Sequence[Sent]) -> Sent:
    """A member more, less, or by another name; all in a list; the whole as text."""
    fields = _fields(it)
    name = rng.choice(list(fields))
    rest = {key: value for key, value in fields.items() if key != name}
    other = rng.choice((name.upper(), name.lower() + "s", f"{name}[]", f" {name}", name + "\0", "ſ" + name[1:]))
    more = rng.choice(("custId", "key", "signKey", "total", "paid", "__proto__", "price", "publicKey"))
    ways: tuple[Any, ...] = (
        rest,
        rest | {other: fields[name]},
        fields | {more: rng.choice((0, "ann", it.cust_id, None))},
        rest | {name: None},
        [fields],
        list(fields.values()),
        json.dumps(fields),
        {"payment": fields},
    )
    return it._replace(body=json.dumps(rng.choice(ways)).encode())


def _others_field(rng: Random, it: Sent, every: Sequence[Sent]) -> Sent:
    """Values of another good request, under the signature of this one."""
    others = _fields(rng.choice(every))
    names = rng.sample(list(others), rng.randrange(1, len(others)))
    return _put(it, **{name: others[name] for name in names})


def _others_order(rng: Random, it: Sent, every: Sequence[Sent]) -> str:
    """An order token of another session, the same customer's or another one's."""
    token: str = _fields(rng.choice([other for other in every if other.token != it.token]))["orderToken"]
    return token


def _altered_order(rng: Random, it: Sent, every: Sequence[Sent]) -> Sent:
    token = _fields(it)["orderToken"]
    if rng.random() < 0.5:
        return _resigned(it, orderToken=any_text(rng, token).encode("utf-8", "replace").decode())
    tokens = [_fields(other)["orderToken"] for other in every]
    while (altered := rng.choice(list(DOTTED.values()))(rng, token, tokens)) in tokens:
        pass  # parts of good ones together can be one of them
    return _resigned(it, orderToken=altered)


def _other_products(rng: Random, it: Sent, _every: Sequence[Sent]) -> Sent:
    ids: list[str] = _fields(it)["productIds"]
    ways: tuple[list[str], ...] = (
        rng.sample(ids, len(ids)),
        ids[1:],
        [*ids, f"book-{rng.randrange(100)}"],
        [*ids, ids[0]],
        [*ids[:-1], f"book-{rng.randrange(100)}"],
        [",".join(ids)],
        [ids[0].upper(), *ids[1:]],
        [f"book-{rng.randrange(100)}" for _ in range(rng.choice((1, 2, 100, 101)))],
        [],
    )
    return _resigned(it, productIds=rng.choice(ways))


def _other_time(rng: Random, it: Sent, _every: Sequence[Sent]) -> Sent:
    away = rng.choice((301, 302, 3600, 86400, rng.randrange(301, 10**9)))
    now = int(NOW.timestamp())
    return _resigned(it, timestamp=rng.choice((now + away, now - away, 0, 2**53, 2**63, now * 1000, -1)))


def _other_type(rng: Random, it: Sent, _every: Sequence[Sent]) -> Sent:
    """Another type than the session's, with a signature of that type wherever the client has a key for one."""
    own = it.holder.session.sign_type
    other = rng.choice((*SIGN_TYPES, own.lower(), f"{own} ", f"HMAC-{own}", "none", "", "SHA256", any_text(rng, own)))
    changed = _fields(it) | {"signType": other.encode("utf-8", "replace").decode()}
    signed = _signed(it, changed)
    key = it.holder.session.sign_key or ""
    if other in ("MD5", "HMAC-SHA256") and rng.random() < 0.7:
        return _put(signed, sign=keyed_digest(other, key, _message(it, changed)))
    return signed


Rule = Callable[[dict[str, str], Random], str]


def _joined(values: Mapping[str, str], names: Sequence[str] | None = None, between: str = "&") -> str:
    return between.join(f"{name}={values[name]}" for name in names or sorted(values))


def _less(values: dict[str, str], rng: Random) -> str:
    return _joined(values, rng.sample(sorted(values), rng.randrange(1, len(values))))


def _one_other(values: dict[str, str], rng: Random) -> str:
    name = rng.choice(sorted(values))
    return _joined(values | {name: any_text(rng, values[name])})


_RULES: tuple[Rule, ...] = (
    lambda values, rng: _joined(values, rng.sample(sorted(values), len(values))),
    lambda values, rng: _joined(values, between=rng.choice((";", "", "&&", ",", "\n", "|", "&amp;"))),
    lambda values, _: _joined({name.lower(): value for name, value in values.items()}),
    lambda values, _: "&".join(values[name] for name in sorted(values)),
    lambda values, rng: _joined(values) + rng.choice(("&", "&key=", "\n", " ", "\0", "&sign=", "&timestamp=0")),
    lambda values, rng: rng.choice(("&", "?", " ", "\ufeff", "POST /v1/payments\n")) + _joined(values),
    lambda values, rng: _joined(values | {"timestamp": values["timestamp"] + rng.choice((".0", "000", "L", " "))}),
    lambda values, _: _joined(values | {"timestamp": "+" + values["timestamp"]}),
    lambda values, rng: _joined(values | {"productIds": values["productIds"].replace(",", rng.choice((", ", ";")))}),
    lambda values, _: _joined(values | {"productIds": json.dumps(values["productIds"].split(","))}),
    lambda values, rng: _joined(values | {"custId": rng.choice(CUSTOMERS)}),
    lambda values, _: json.dumps(values, sort_keys=True),
    lambda values, _: _joined(values).replace("&", "%26"),
    _less,
    _one_other,
)


def _other_rule(rng: Random, it: Sent, _every: Sequence[Sent]) -> Sent:
    """The right key, but over a text that is not the one that the contract says."""
    fields = _fields(it)
    text = rng.choice(_RULES)(_values(it, fields), rng).encode("utf-8", "replace").decode()
    return it if text == _message(it, fields) else _put(it, sign=it.holder.sign(text))


def _others_signature(rng: Random, it: Sent, world: World) -> str:
    """The right text under another session's key of the same type, of the same customer or another one."""
    others = [holder for holder in world.of_type(it.holder.session.sign_type) if holder is not it.holder]
    return rng.choice(others).sign(_message(it, _fields(it)))


def _without_the_key(rng: Random, it: Sent, _every: Sequence[Sent]) -> Sent:
    """What somebody can compute who knows everything but the key."""
    fields = _fields(it)
    text = _message(it, fields)
    known = rng.choice(
        ("", "null", "None", it.token, it.cust_id, text, fields["nonce"], str(it.holder.session.session_id))
    )
    return _put(it, sign=keyed_digest(rng.choice(("MD5", "HMAC-SHA256")), known, text))


def _of_sign(alter: Callable[[Random, str], str]) -> Alter[Sent]:
    return lambda rng, it, _every: _put(it, sign=alter(rng, _fields(it)["sign"]))


def _written_otherwise(rng: Random, sign: str) -> str:
    """The same bytes in another form."""
    raw = bytes.fromhex(sign) if len(sign) in (32, 64) else decoded(sign)
    ways = (
        base64.b64encode(raw).decode(),
        encoded(raw) + rng.choice(("=", "==", "A", "\n")),
        base64.b32encode(raw).decode(),
        raw.hex(rng.choice((":", "-", " "))),
        "0x" + raw.hex(),
        raw.decode("latin-1"),
        encoded(b"\x30\x44\x02\x20" + raw[:32] + b"\x02\x20" + raw[32:]),
        raw[::-1].hex().upper(),
    )
    return rng.choice(ways)


def _other_numbers(rng: Random, sign: str) -> str:
    """Zeros, numbers of the curve's order and beyond it, halves exchanged or added to."""
    raw = decoded(sign)
    r, s = int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big")
    bad = (0, 1, _ORDER, _ORDER - 1, _ORDER + 1, 2**256 - 1, rng.getrandbits(256), (r + _ORDER) % 2**256)
    pair = rng.choice(((rng.choice(bad), s), (r, rng.choice(bad)), (rng.choice(bad), rng.choice(bad)), (s, r)))
    return encoded(b"".join(number.to_bytes(32, "big") for number in pair))
