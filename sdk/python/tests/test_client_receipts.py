"""A receipt is believed only when every part of it is right."""

from base64 import urlsafe_b64encode
from typing import Any

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from lingdang_client import InvalidReceipt, Jwks, Receipt, verify_receipt

NOW = 1_795_430_400
KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
HEADER = {"alg": "EdDSA", "typ": "entitlement+jwt", "kid": "k1"}
CLAIMS = {
    "iss": "lingdang",
    "sub": "ann",
    "jti": "receipt-1",
    "iat": NOW,
    "exp": NOW + 600,
    "productId": "book-1",
    "orderId": "order-1",
}


def text(raw: bytes) -> str:
    return urlsafe_b64encode(raw).rstrip(b"=").decode()


def jwk(**changed: Any) -> dict[str, Any]:
    public = text(KEY.public_key().public_bytes_raw())
    return {"kty": "OKP", "crv": "Ed25519", "x": public, "kid": "k1", "alg": "EdDSA", "use": "sig"} | changed


def receipt(header: Any = HEADER, claims: Any = CLAIMS, key: Ed25519PrivateKey = KEY) -> str:
    message = f"{text(msgspec.json.encode(header))}.{text(msgspec.json.encode(claims))}"
    return f"{message}.{text(key.sign(message.encode()))}"


def verify(made: str, *keys: dict[str, Any], **changed: Any) -> Receipt:
    asked = {"issuer": "lingdang", "cust_id": "ann", "now": NOW + 1} | changed
    return verify_receipt(made, {"keys": list(keys) or [jwk()]}, **asked)


def test_a_good_receipt() -> None:
    found = verify(receipt(), {"kty": "RSA", "n": "x", "e": "AQAB", "kid": "other"}, jwk())
    assert (found.cust_id, found.product_id, found.order_id) == ("ann", "book-1", "order-1")
    keys = msgspec.convert({"keys": [jwk()]}, Jwks)
    assert verify_receipt(receipt(), keys, issuer="lingdang", cust_id="ann", product_id="book-1", now=NOW) == found


@pytest.mark.parametrize(
    "header",
    [
        HEADER | {"alg": "none"},
        HEADER | {"alg": "HS256"},
        HEADER | {"alg": "eddsa"},
        HEADER | {"typ": "JWT"},
        HEADER | {"kid": "k2"},
        HEADER | {"crit": ["b64"], "b64": False},
        HEADER | {"jwk": jwk()},
        {"alg": "EdDSA", "typ": "entitlement+jwt"},
        {"alg": "EdDSA", "kid": "k1"},
        HEADER | {"kid": 1},
        [],
    ],
    ids=str,
)
def test_headers_that_are_refused(header: Any) -> None:
    with pytest.raises(InvalidReceipt):
        verify(receipt(header))


@pytest.mark.parametrize(
    "claims",
    [
        CLAIMS | {"iss": "other"},
        CLAIMS | {"sub": "bob"},
        CLAIMS | {"exp": NOW},
        CLAIMS | {"exp": NOW + 1},
        CLAIMS | {"iat": NOW + 3600},
        CLAIMS | {"exp": 10**30},
        CLAIMS | {"exp": "never"},
        {name: value for name, value in CLAIMS.items() if name != "exp"},
        {name: value for name, value in CLAIMS.items() if name != "sub"},
    ],
    ids=str,
)
def test_claims_that_are_refused(claims: Any) -> None:
    with pytest.raises(InvalidReceipt):
        verify(receipt(claims=claims))


def test_another_product_and_another_key() -> None:
    with pytest.raises(InvalidReceipt, match="another product"):
        verify(receipt(), product_id="book-2")
    with pytest.raises(InvalidReceipt, match="signature"):
        verify(receipt(key=Ed25519PrivateKey.generate()))


@pytest.mark.parametrize(
    "keys",
    [
        [jwk(crv="Ed448")],
        [jwk(kty="EC")],
        [jwk(use="enc")],
        [jwk(alg="ES256")],
        [jwk(x="AAAA")],
        [jwk(x=None)],
        [jwk(), jwk()],
        [{"kid": "k1"}],
    ],
    ids=str,
)
def test_keys_that_are_refused(keys: list[dict[str, Any]]) -> None:
    with pytest.raises(InvalidReceipt):
        verify(receipt(), *keys)


def test_every_changed_character_is_refused() -> None:
    good = receipt()
    for place, was in enumerate(good):
        for other in "A.z=" if was != "A" else "B.z=":
            if other != was:
                with pytest.raises(InvalidReceipt):
                    verify(good[:place] + other + good[place + 1 :])


@pytest.mark.parametrize("made", ["", "..", "a.b.c", "é.é.é", receipt() + ".", receipt() + "=", "a" * 9000])
def test_what_is_no_receipt(made: str) -> None:
    with pytest.raises(InvalidReceipt):
        verify(made)
