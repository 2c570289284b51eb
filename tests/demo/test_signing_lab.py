"""The signing lab names the mistake, shows the first byte that differs, and is closed outside the demo."""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

import lingdang.web
from lingdang.clock import system_clock
from lingdang.demo import signing_lab
from lingdang.demo.signing_lab import diagnose
from lingdang.identity.session import Session
from lingdang.identity.sessions import Sessions
from lingdang.keys import Keyring
from lingdang.payment.payments import PaymentRequest
from lingdang.payment.signing import string_to_sign
from lingdang.settings import SIGN_TYPES, SignType
from support.buyer import Buyer, buyer, jwk_of, stock
from support.customers import customer_of
from support.shop import Shop

FIELDS = {"nonce": "abcdefgh", "orderToken": "eyJ.a+b/c.d", "timestamp": 1795427841}
IDS = ("book-2", "book-1")


class Signer:
    """A session of one sign type, and every way to sign with it."""

    def __init__(self, keyring: Keyring, sign_type: SignType) -> None:
        self.key = ec.generate_private_key(ec.SECP256R1()) if sign_type == "ES256" else None
        sessions, now = Sessions(keyring, 1, SIGN_TYPES, 3600), system_clock()
        issued = sessions.issue(customer_of("ann"), sign_type, jwk_of(self.key) if self.key else None, now)
        self.session: Session = sessions.authenticate(f"Bearer {issued.session_token}", "ann", now)
        self.sign_key = issued.sign_key or ""
        self.text = string_to_sign("ann", "abcdefgh", FIELDS["orderToken"], IDS, sign_type, 1795427841)  # type: ignore[arg-type]

    def payment(self, sign: str) -> PaymentRequest:
        return PaymentRequest(IDS, 1795427841, "abcdefgh", str(FIELDS["orderToken"]), self.session.sign_type, sign)

    def keyed(self, text: str) -> str:
        return f"{text}&key={self.sign_key}"

    def mac(self, message: str) -> bytes:
        return hmac.digest(self.sign_key.encode(), message.encode(), "sha256")

    def der(self, text: str) -> bytes:
        assert self.key is not None
        return self.key.sign(text.encode(), ec.ECDSA(SHA256()))

    def raw(self, text: str) -> bytes:
        r, s = decode_dss_signature(self.der(text))
        return r.to_bytes(32, "big") + s.to_bytes(32, "big")


def md5(message: str) -> str:
    return hashlib.md5(message.encode(), usedforsecurity=False).hexdigest().upper()


def base64url(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def reordered(text: str) -> str:
    return "&".join(reversed(text.split("&")))


TEXTS: dict[str, Callable[[str], str]] = {
    "order_of_fields": reordered,
    "url_encoded": lambda text: text.replace("+", "%2B").replace("/", "%2F").replace(",", "%2C"),
    "product_ids_as_json": lambda text: text.replace("book-2,book-1", '["book-2","book-1"]'),
    "product_ids_with_spaces": lambda text: text.replace("book-2,book-1", "book-2, book-1"),
    "product_ids_sorted": lambda text: text.replace("book-2,book-1", "book-1,book-2"),
    "timestamp_in_milliseconds": lambda text: text + "000",
    "trailing_ampersand": lambda text: text + "&",
    "without_custId": lambda text: text.removeprefix("custId=ann&"),
    "without_timestamp": lambda text: text.partition("&timestamp")[0],
}


@pytest.mark.parametrize("sign_type", SIGN_TYPES)
@pytest.mark.parametrize("mistake", TEXTS)
def test_a_wrong_string(keyring: Keyring, sign_type: SignType, mistake: str) -> None:
    signer = Signer(keyring, sign_type)
    signed = TEXTS[mistake](signer.text)
    sign = {
        "MD5": lambda: md5(signer.keyed(signed)),
        "HMAC-SHA256": lambda: signer.mac(signer.keyed(signed)).hex().upper(),
        "ES256": lambda: base64url(signer.raw(signed)),
    }[sign_type]()
    found = diagnose(signer.session, signer.payment(sign), signed)
    assert (found.string_to_sign, found.verifies, found.mistakes) == (signer.text, False, [mistake])
    assert found.difference is not None
    byte = found.difference.byte
    assert signer.text.encode()[:byte] == signed.encode()[:byte]
    assert signer.text.encode()[byte : byte + 1] != signed.encode()[byte : byte + 1]


KEYED: dict[str, tuple[SignType, Callable[[Signer], str]]] = {
    "without_key": ("MD5", lambda s: md5(s.text)),
    "key_without_its_name": ("MD5", lambda s: md5(s.text + s.sign_key)),
    "key_in_front": ("MD5", lambda s: md5(f"key={s.sign_key}&{s.text}")),
    "hmac_instead_of_md5": ("MD5", lambda s: s.mac(s.keyed(s.text)).hex().upper()),
    "md5_instead_of_hmac": ("HMAC-SHA256", lambda s: md5(s.keyed(s.text))),
    "plain_sha256": ("HMAC-SHA256", lambda s: hashlib.sha256(s.keyed(s.text).encode()).hexdigest()),
    "key_decoded": (
        "HMAC-SHA256",
        lambda s: hmac.digest(
            base64.urlsafe_b64decode(s.sign_key + "="), s.keyed(s.text).encode(), "sha256"
        ).hex(),
    ),
    "base64_instead_of_hex": ("HMAC-SHA256", lambda s: base64.b64encode(s.mac(s.keyed(s.text))).decode()),
    "der_instead_of_r_s": ("ES256", lambda s: base64url(s.der(s.text))),
    "hex_instead_of_base64url": ("ES256", lambda s: s.raw(s.text).hex()),
    "padding": ("ES256", lambda s: base64.urlsafe_b64encode(s.raw(s.text)).decode()),
}  # fmt: skip


@pytest.mark.parametrize("mistake", KEYED)
def test_a_wrong_key_or_encoding(keyring: Keyring, mistake: str) -> None:
    sign_type, make = KEYED[mistake]
    signer = Signer(keyring, sign_type)
    found = diagnose(signer.session, signer.payment(make(signer)), signer.text)
    assert (found.verifies, found.mistakes, found.difference) == (False, [mistake], None)


@pytest.mark.parametrize("sign_type", SIGN_TYPES)
def test_a_good_signature(keyring: Keyring, sign_type: SignType) -> None:
    signer = Signer(keyring, sign_type)
    good = {
        "MD5": lambda: md5(signer.keyed(signer.text)),
        "HMAC-SHA256": lambda: signer.mac(signer.keyed(signer.text)).hex().upper(),
        "ES256": lambda: base64url(signer.raw(signer.text)),
    }[sign_type]()
    found = diagnose(signer.session, signer.payment(good), None)
    assert (found.verifies, found.mistakes, found.difference) == (True, [], None)


@pytest.mark.parametrize("sign", ["", "x", "0" * 32, "not a signature", "=" * 20, "é"])
@pytest.mark.parametrize("sign_type", SIGN_TYPES)
def test_nonsense_has_no_known_mistake(keyring: Keyring, sign_type: SignType, sign: str) -> None:
    signer = Signer(keyring, sign_type)
    found = diagnose(signer.session, signer.payment(sign), "\ud800")
    assert (found.verifies, found.mistakes) == (False, [])


async def test_it_is_closed_outside_the_demo(shop: Shop) -> None:
    stock(shop, "book-1")
    ann: Buyer = buyer(shop)
    payment = ann.payment((await ann.checkout("book-1"))["orderToken"], ["book-1"])
    answer = await shop.http.post("/v1/demo/signing-lab", content=json.dumps({"payment": payment}), headers=ann.headers)
    assert answer.status_code == 404


def test_every_mistake_is_explained_in_both_languages() -> None:
    static = Path(lingdang.web.__file__).parent / "static" / "i18n"
    source = Path(signing_lab.__file__).read_text(encoding="utf-8")
    named: set[Any] = {*TEXTS, *KEYED, "sign_type_of_another_session", "base64_instead_of_base64url"}
    named |= {f"without_{name}" for name in ("nonce", "orderToken", "productIds", "signType")}
    assert all(name in source or name.startswith("without_") for name in named)
    for language in ("en", "zh"):
        texts = (static / f"lab.{language}.js").read_text(encoding="utf-8")
        assert [name for name in named if f'"lab.mistake.{name}"' not in texts] == []
