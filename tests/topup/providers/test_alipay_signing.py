"""Alipay's signatures, and keys that are of another kind."""

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from lingdang.topup.providers.alipay_signing import is_signed, read_private_key, read_public_key, sign, signed_text
from proof.standin.keys import rsa_key


def test_parameters_are_signed_by_name() -> None:
    assert signed_text({"b": "2", "a": "1 & 2", "c": ""}) == "a=1 & 2&b=2&c="


def test_a_signature_is_over_one_text_by_one_key() -> None:
    signature = sign(rsa_key("alipay"), "铃铛")
    key = rsa_key("alipay").public_key()
    assert is_signed(key, "铃铛", signature)
    assert not is_signed(key, "铃", signature)
    assert not is_signed(rsa_key("a stranger").public_key(), "铃铛", signature)
    for other in ("", "é", "AAAA", signature[:-4], f" {signature}"):
        assert not is_signed(key, "铃铛", other)


def test_keys_that_are_not_rsa_are_refused() -> None:
    key = generate_private_key(SECP256R1())
    with pytest.raises(ValueError, match="no RSA key"):
        read_private_key(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode())
    with pytest.raises(ValueError, match="no RSA key"):
        read_public_key(key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode())
