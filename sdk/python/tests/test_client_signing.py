"""The client's signed string and signatures, against the shared vectors in both directions."""

import json
from base64 import urlsafe_b64decode
from pathlib import Path
from typing import Any

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec, utils
from cryptography.hazmat.primitives.hashes import SHA256

from lingdang_client import sign, string_to_sign
from lingdang_client.signing import public_jwk

ROOT = Path(__file__).parents[3]
VECTORS: list[dict[str, Any]] = json.loads((ROOT / "tests/vectors/sign.json").read_text(encoding="utf-8"))["vectors"]


def text_of(vector: dict[str, Any]) -> str:
    fields = vector["fields"]
    return string_to_sign(
        fields["custId"],
        fields["nonce"],
        fields["orderToken"],
        fields["productIds"],
        fields["signType"],
        fields["timestamp"],
    )


def whole(text: str) -> int:
    return int.from_bytes(urlsafe_b64decode(text + "=="), "big")


def verify(jwk: dict[str, str], signature: str, text: str) -> None:
    key = ec.EllipticCurvePublicNumbers(whole(jwk["x"]), whole(jwk["y"]), ec.SECP256R1()).public_key()
    raw = urlsafe_b64decode(signature + "==")
    der = utils.encode_dss_signature(int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big"))
    key.verify(der, text.encode(), ec.ECDSA(SHA256()))


@pytest.mark.parametrize("vector", VECTORS, ids=lambda v: f"{v['signType']}-{v['fields']['custId']}")
def test_vectors(vector: dict[str, Any]) -> None:
    text = text_of(vector)
    assert text == vector["stringToSign"]
    if vector["signType"] == "ES256":
        verify(vector["publicKey"], vector["sign"], text)
    else:
        assert sign(text, vector["signType"], vector["signKey"]) == vector["sign"]


@pytest.mark.parametrize("vector", [v for v in VECTORS if v["signType"] == "ES256"])
def test_es256_made_here_verifies_and_only_over_its_own_string(vector: dict[str, Any]) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    for _ in range(50):  # r and s with leading zeros come up now and then
        signature = sign(text_of(vector), "ES256", key)
        assert len(signature) == 86
        verify(public_jwk(key), signature, text_of(vector))
    with pytest.raises(InvalidSignature):
        verify(public_jwk(key), signature, text_of(vector) + "0")


def test_the_wrong_kind_of_key_signs_nothing() -> None:
    with pytest.raises(TypeError):
        sign("x", "ES256", "a signKey")
    with pytest.raises(TypeError):
        sign("x", "MD5", ec.generate_private_key(ec.SECP256R1()))
    with pytest.raises(ValueError, match="P-256"):
        public_jwk(ec.generate_private_key(ec.SECP384R1()))
