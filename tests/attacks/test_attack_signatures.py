"""Signatures over something else, written otherwise, or borrowed."""

import base64
import hashlib
from collections.abc import Callable
from typing import Any

import pytest

from lingdang.settings import SIGN_TYPES, SignType
from support.buyer import Buyer, books, buyer, give, stock
from support.shop import Shop

ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
"""Of the curve P-256."""


@pytest.fixture
async def stocked(shop: Shop) -> Shop:
    stock(shop, "book-1", "book-2")
    await give(shop, "ann", 500)
    await give(shop, "bob", 500)
    return shop


async def prepared(who: Buyer) -> dict[str, Any]:
    """A payment that is right in everything."""
    order = await who.checkout("book-1", "book-2")
    return who.payment(order["orderToken"], ["book-1", "book-2"])


def fields_of(who: Buyer, body: dict[str, Any]) -> dict[str, str]:
    fields = {name: str(value) for name, value in body.items() if name not in ("sign", "productIds")}
    return fields | {"custId": who.cust_id, "productIds": ",".join(body["productIds"])}


async def assert_refused(who: Buyer, body: dict[str, Any], *codes: str) -> None:
    before = books(who.shop)
    answer = await who.send(body)
    assert answer.status_code in (400, 401, 403, 409), answer.text
    assert answer.json()["code"] in (codes or ("sign_invalid",)), answer.text
    assert books(who.shop) == before


Rule = Callable[[dict[str, str]], str]


def joined(names: list[str], fields: dict[str, str]) -> str:
    return "&".join(f"{name}={fields[name]}" for name in names)


OTHER_RULES: dict[str, Rule] = {
    "fields in reverse": lambda f: joined(sorted(f, reverse=True), f),
    "fields as sent": lambda f: joined(list(f), f),
    "sorted without case": lambda f: joined(sorted(f, key=str.lower, reverse=True), f),
    "names in lower case": lambda f: "&".join(f"{n.lower()}={f[n]}" for n in sorted(f)),
    "values alone": lambda f: "&".join(f[n] for n in sorted(f)),
    "another separator": lambda f: ";".join(f"{n}={f[n]}" for n in sorted(f)),
    "a field twice": lambda f: joined(sorted(f), f) + f"&timestamp={f['timestamp']}",
    "an empty field more": lambda f: joined(sorted(f), f) + "&",
    "products as JSON": lambda f: joined(sorted(f), f | {"productIds": '["book-1","book-2"]'}),
    "products turned round": lambda f: joined(sorted(f), f | {"productIds": "book-2,book-1"}),
    "products with spaces": lambda f: joined(sorted(f), f | {"productIds": "book-1, book-2"}),
    "one product less": lambda f: joined(sorted(f), f | {"productIds": "book-1"}),
    "milliseconds": lambda f: joined(sorted(f), f | {"timestamp": f["timestamp"] + "000"}),
    "a time with a sign": lambda f: joined(sorted(f), f | {"timestamp": "+" + f["timestamp"]}),
    "a time with a point": lambda f: joined(sorted(f), f | {"timestamp": f["timestamp"] + ".0"}),
    "another customer": lambda f: joined(sorted(f), f | {"custId": "bob"}),
    "percent-encoded": lambda f: joined(sorted(f), f).replace("&", "%26"),
    **{
        f"without {name}": lambda f, name=name: joined([n for n in sorted(f) if n != name], f)  # type: ignore[misc]
        for name in ("custId", "nonce", "orderToken", "productIds", "signType", "timestamp")
    },
}


@pytest.mark.parametrize("sign_type", SIGN_TYPES)
async def test_a_signature_by_another_rule(stocked: Shop, sign_type: SignType) -> None:
    ann = buyer(stocked, sign_type=sign_type)
    body = await prepared(ann)
    for name, rule in OTHER_RULES.items():
        text = rule(fields_of(ann, body))
        assert text != joined(sorted(fields_of(ann, body)), fields_of(ann, body)), name
        await assert_refused(ann, body | {"sign": ann.sign(text)})
    assert (await ann.send(body)).status_code == 200, "what was tried left the order payable"


@pytest.mark.parametrize("sign_type", SIGN_TYPES)
async def test_a_signature_written_otherwise(stocked: Shop, sign_type: SignType) -> None:
    """Other encodings of the right signature, look-alikes, and nothing at all."""
    ann = buyer(stocked, sign_type=sign_type)
    body = await prepared(ann)
    right = body["sign"]
    wrong = ["", " ", right + " ", " " + right, right + "\n", right + "\0", right[:-1], right * 2, f'"{right}"']
    wrong += [
        "0x" + right,
        right + "=",
        right[:-1] + "\u0430",
        "\uff21" + right[1:],
        right.replace(right[0], "\u212a", 1),
    ]
    if sign_type != "ES256":
        raw = bytes.fromhex(right)
        wrong += [base64.b64encode(raw).decode(), raw.decode("latin-1"), ":".join(right), right.translate(FULL_WIDTH)]
    for sign in wrong:
        await assert_refused(ann, body | {"sign": sign})
    assert (await ann.send(body)).status_code == 200


FULL_WIDTH = {code: code + 0xFEE0 for code in range(0x21, 0x7F)}


@pytest.mark.parametrize("sign_type", ["MD5", "HMAC-SHA256"])
async def test_a_digest_without_the_key(stocked: Shop, sign_type: SignType) -> None:
    """What somebody can compute who knows the rule and every field, but not the key."""
    ann = buyer(stocked, sign_type=sign_type)
    body = await prepared(ann)
    text = joined(sorted(fields_of(ann, body)), fields_of(ann, body))
    for suffix in ("", "&key=", "&key=None", "&key=null", f"&key={ann.token}", "&key=ann"):
        for algorithm in ("md5", "sha256", "sha1"):
            digest = hashlib.new(algorithm, f"{text}{suffix}".encode()).hexdigest()
            await assert_refused(ann, body | {"sign": digest.upper()})


@pytest.mark.parametrize("sign_type", SIGN_TYPES)
async def test_a_weaker_type_is_not_the_clients_choice(stocked: Shop, sign_type: SignType) -> None:
    ann = buyer(stocked, sign_type=sign_type)
    order = await ann.checkout("book-1")
    for other in (*SIGN_TYPES, "none", "md5", "HMAC-MD5", "", sign_type.lower()):
        if other != sign_type:
            await assert_refused(ann, ann.payment(order["orderToken"], ["book-1"], signType=other))


async def test_the_keys_of_others(stocked: Shop) -> None:
    """Another customer's key, and that of another session of the same customer."""
    ann, bob, again = buyer(stocked), buyer(stocked, "bob"), buyer(stocked)
    body = await prepared(ann)
    text = joined(sorted(fields_of(ann, body)), fields_of(ann, body))
    for other in (bob, again):
        await assert_refused(ann, body | {"sign": other.sign(text)})


async def test_a_signature_belongs_to_one_order(stocked: Shop) -> None:
    ann = buyer(stocked)
    first, second = await prepared(ann), await prepared(ann)
    for name in ("sign", "nonce", "orderToken"):
        await assert_refused(ann, first | {name: second[name]})
    await assert_refused(ann, first | {"timestamp": first["timestamp"] - 1})


async def test_es256_takes_the_fixed_form_of_a_true_signature_alone(stocked: Shop) -> None:
    """DER, zeros, numbers beyond the curve's order, and halves."""
    ann = buyer(stocked, sign_type="ES256")
    body = await prepared(ann)
    raw = base64.urlsafe_b64decode(body["sign"] + "==")
    r, s = raw[:32], raw[32:]
    beyond = (int.from_bytes(r, "big") + ORDER) % 2**256
    for made in (
        bytes(64),
        r + bytes(32),
        bytes(32) + s,
        r + ORDER.to_bytes(32, "big"),
        beyond.to_bytes(32, "big") + s,
        b"\xff" * 64,
        s + r,
        r + s + b"\0",
        b"\x30\x44\x02\x20" + r + b"\x02\x20" + s,
    ):
        await assert_refused(ann, body | {"sign": base64.urlsafe_b64encode(made).rstrip(b"=").decode()})


async def test_the_other_form_of_an_es256_signature_pays_nothing_twice(stocked: Shop) -> None:
    """(r, n − s) verifies for whoever has (r, s): it is the same order, and answered as that."""
    ann = buyer(stocked, sign_type="ES256")
    body = await prepared(ann)
    paid = await ann.send(body)
    raw = base64.urlsafe_b64decode(body["sign"] + "==")
    other = raw[:32] + (ORDER - int.from_bytes(raw[32:], "big")).to_bytes(32, "big")
    before = books(stocked)
    again = await ann.send(body | {"sign": base64.urlsafe_b64encode(other).rstrip(b"=").decode()})
    assert again.json() == paid.json()
    assert books(stocked) == before
