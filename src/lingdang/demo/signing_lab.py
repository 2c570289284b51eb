"""Why a payment's signature does not verify: what, done wrong, makes the signature that was given."""

import hashlib
import hmac
import itertools
import re
from base64 import b64decode, b64encode, urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterator
from typing import Annotated
from urllib.parse import quote

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from msgspec import Meta

from lingdang.identity.session import Session
from lingdang.payment.payments import PaymentRequest
from lingdang.payment.signing import SIGNED_FIELDS, string_to_sign, verifies

_CONTEXT = 12
_HEX = re.compile(r"[0-9A-Fa-f]{128}")


class LabRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """The payment as it would be sent, and the string that was signed, if it is at hand."""

    payment: PaymentRequest
    signed_string: Annotated[str, Meta(max_length=20_000)] | None = None


class TextDifference(msgspec.Struct, frozen=True):
    """The first byte in which the signed string is another one, with what stands around it in both."""

    byte: int
    expected: str
    given: str


class LabAnswer(msgspec.Struct, frozen=True, rename="camel"):
    """What should have been signed. `mistakes` are codes of what, done wrong, makes the given signature."""

    string_to_sign: str
    verifies: bool
    mistakes: list[str]
    difference: TextDifference | None


def diagnose(session: Session, payment: PaymentRequest, signed: str | None) -> LabAnswer:
    """Compare the payment with how it should have been signed."""
    values = _values(session, payment)
    text = string_to_sign(
        session.cust_id,
        payment.nonce,
        payment.order_token,
        payment.product_ids,
        payment.sign_type,
        payment.timestamp,
    )
    good = payment.sign_type == session.sign_type and verifies(
        payment.sign, text, session.sign_type, session.sign_key, session.public_key
    )
    mistakes = [] if good else list(dict.fromkeys(_mistakes(session, payment, values)))
    return LabAnswer(text, good, mistakes, None if signed is None else _difference(text, signed))


def _values(session: Session, payment: PaymentRequest) -> dict[str, str]:
    return {
        "custId": session.cust_id,
        "nonce": payment.nonce,
        "orderToken": payment.order_token,
        "productIds": ",".join(payment.product_ids),
        "signType": payment.sign_type,
        "timestamp": str(payment.timestamp),
    }


def _difference(expected: str, given: str) -> TextDifference | None:
    ours, theirs = expected.encode(), given.encode("utf-8", "surrogatepass")
    if ours == theirs:
        return None
    byte = next((i for i, (a, b) in enumerate(zip(ours, theirs, strict=False)) if a != b), min(len(ours), len(theirs)))
    return TextDifference(byte, _around(ours, byte), _around(theirs, byte))


def _around(text: bytes, byte: int) -> str:
    return text[max(0, byte - _CONTEXT) : byte + _CONTEXT].decode("utf-8", "replace")


def _mistakes(session: Session, payment: PaymentRequest, values: dict[str, str]) -> Iterator[str]:
    """Each mistake that, made alone, gives this very signature."""
    if payment.sign_type != session.sign_type:
        yield "sign_type_of_another_session"
    for name, text in _texts(payment, values):
        if session.sign_type == "ES256":
            yield from _es256_mistakes(session, payment.sign, name, text)
        elif session.sign_key is not None:
            yield from _keyed_mistakes(session.sign_type, session.sign_key, payment.sign, name, text)


def _texts(payment: PaymentRequest, values: dict[str, str]) -> Iterator[tuple[str, str]]:
    """Strings that people sign instead, by the mistake's code; the right one has none."""
    yield "", _joined(values)
    yield "url_encoded", _joined({name: quote(value, safe="") for name, value in values.items()})
    yield "product_ids_as_json", _joined(values | {"productIds": msgspec.json.encode(payment.product_ids).decode()})
    yield "product_ids_with_spaces", _joined(values | {"productIds": ", ".join(payment.product_ids)})
    yield "product_ids_sorted", _joined(values | {"productIds": ",".join(sorted(payment.product_ids))})
    yield "timestamp_in_milliseconds", _joined(values | {"timestamp": f"{payment.timestamp}000"})
    yield "trailing_ampersand", _joined(values) + "&"
    for name in SIGNED_FIELDS:
        yield f"without_{name}", _joined({other: value for other, value in values.items() if other != name})
    for order in list(itertools.permutations(SIGNED_FIELDS))[1:]:  # the first is the right one
        yield "order_of_fields", "&".join(f"{name}={values[name]}" for name in order)


def _joined(values: dict[str, str]) -> str:
    return "&".join(f"{name}={value}" for name, value in sorted(values.items()))


def _keyed_mistakes(sign_type: str, key: str, sign: str, text_mistake: str, text: str) -> Iterator[str]:
    for key_mistake, message in (
        ("", f"{text}&key={key}"),
        ("without_key", text),
        ("key_without_its_name", text + key),
        ("key_without_its_name", f"{text}&{key}"),
        ("key_in_front", f"key={key}&{text}"),
    ):
        for digest_mistake, made in _digests(sign_type, key.encode(), message.encode()):
            named = [text_mistake, key_mistake, digest_mistake]
            if sum(map(bool, named)) > 2:
                continue
            if sign.upper() == made.hex().upper():
                yield from filter(None, named)
            elif sign.rstrip("=") in {
                b64encode(made).decode().rstrip("="),
                urlsafe_b64encode(made).decode().rstrip("="),
            }:
                yield from [*filter(None, named), "base64_instead_of_hex"]


def _base64_forms(made: bytes) -> set[str]:
    return {form(made).decode().rstrip("=") for form in (b64encode, urlsafe_b64encode)}


def _digests(sign_type: str, key: bytes, message: bytes) -> Iterator[tuple[str, bytes]]:
    mac = hmac.digest(key, message, "sha256")
    md5 = hashlib.md5(message, usedforsecurity=False).digest()
    yield "", md5 if sign_type == "MD5" else mac
    yield ("hmac_instead_of_md5", mac) if sign_type == "MD5" else ("md5_instead_of_hmac", md5)
    yield "plain_sha256", hashlib.sha256(message).digest()
    if sign_type != "MD5":
        yield "key_decoded", hmac.digest(urlsafe_b64decode(key + b"="), message, "sha256")


def _es256_mistakes(session: Session, sign: str, text_mistake: str, text: str) -> Iterator[str]:
    for form, signature in _signatures(sign):
        if (form or text_mistake) and _verifies_der(session, signature, text):
            yield from filter(None, [text_mistake, form])


def _signatures(sign: str) -> Iterator[tuple[str, bytes]]:
    """What the text may be meant as, in DER."""
    if _HEX.fullmatch(sign):
        yield "hex_instead_of_base64url", _der(bytes.fromhex(sign))
    bare = sign.rstrip("=")
    try:
        raw = b64decode(bare.replace("-", "+").replace("_", "/") + "=" * (-len(bare) % 4), validate=True)
    except ValueError:
        return
    if len(raw) == 64:
        form = "padding" if bare != sign else "base64_instead_of_base64url" if set(sign) & set("+/") else ""
        yield form, _der(raw)
    else:
        yield "der_instead_of_r_s", raw


def _der(raw: bytes) -> bytes:
    return encode_dss_signature(int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big"))


def _verifies_der(session: Session, signature: bytes, text: str) -> bool:
    if session.public_key is None:
        return False
    try:
        session.public_key.verify(signature, text.encode(), ECDSA(SHA256()))
    except InvalidSignature:
        return False
    return True
