"""Signed statements: whoever has the public keys reads what was signed, of its own type, and nothing else."""

from datetime import timedelta

import msgspec
import pytest

from lingdang.clock import system_clock
from lingdang.jose import from_base64url, to_base64url
from lingdang.keys import Keyring, retire, rotate
from lingdang.signer import SignatureError, Signer, kid_of, read_jwks, verify


@pytest.fixture
def signer(keyring: Keyring) -> Signer:
    return Signer(keyring)


def test_what_was_signed_is_read_with_the_published_keys(signer: Signer) -> None:
    jws = signer.sign("a+jwt", {"n": 1})
    assert msgspec.json.decode(verify(jws, "a+jwt", read_jwks(msgspec.json.encode(signer.jwks())))) == {"n": 1}
    assert kid_of(jws) == signer.kid() == "k1"


def test_no_character_may_be_another(signer: Signer) -> None:
    jws, keys = signer.sign("a+jwt", {"n": 1}), signer.public_keys()
    for place, char in enumerate(jws):
        other = "B" if char != "B" else "C"
        with pytest.raises(SignatureError):
            verify(jws[:place] + other + jws[place + 1 :], "a+jwt", keys)


@pytest.mark.parametrize("text", ["", "a", "a.b", "a.b.c", "a.b.c.d", "é.é.é", "...", "e30.e30.e30"])
def test_what_is_no_statement(signer: Signer, text: str) -> None:
    with pytest.raises(SignatureError):
        verify(text, "a+jwt", signer.public_keys())
    assert kid_of(text) is None


@pytest.mark.parametrize(
    "header",
    [
        {"alg": "none", "typ": "a+jwt", "kid": "k1"},
        {"alg": "HS256", "typ": "a+jwt", "kid": "k1"},
        {"alg": "EdDSA", "typ": "b+jwt", "kid": "k1"},
        {"alg": "EdDSA", "typ": "a+jwt", "kid": "k2"},
        {"alg": "EdDSA", "typ": "a+jwt", "kid": "k1", "crit": []},
        {"alg": "EdDSA", "kid": "k1"},
    ],
)
def test_another_header_is_refused_before_the_signature_is_looked_at(signer: Signer, header: dict[str, object]) -> None:
    _, payload, signature = signer.sign("a+jwt", {}).split(".")
    written = to_base64url(msgspec.json.encode(header)).decode()
    with pytest.raises(SignatureError, match=r"it is a|cannot be read|no public key"):
        verify(f"{written}.{payload}.{signature}", "a+jwt", signer.public_keys())


def test_a_statement_lives_as_long_as_its_key(signer: Signer, keyring: Keyring) -> None:
    now = system_clock()
    old = signer.sign("a+jwt", {})
    rotate(keyring.path, now, now - timedelta(seconds=1))
    assert set(signer.public_keys()) == {"k1", "k2"}
    assert verify(old, "a+jwt", signer.public_keys()) == b"{}"
    retire(keyring.path, 1, now)
    assert set(signer.public_keys()) == {"k2"}
    with pytest.raises(SignatureError, match="no public key k1"):
        verify(old, "a+jwt", signer.public_keys())


def test_keys_of_another_kind_are_passed_over() -> None:
    document = {"keys": [{"kty": "RSA", "kid": "r"}, {"kty": "OKP", "crv": "X25519", "x": "AA", "kid": "x"}]}
    assert read_jwks(msgspec.json.encode(document)) == {}


@pytest.mark.parametrize("document", [b"", b"{}", b'{"keys":[{"kty":"OKP","crv":"Ed25519","x":"AA","kid":"k"}]}'])
def test_what_is_no_jwk_set(document: bytes) -> None:
    with pytest.raises(SignatureError, match="cannot be read"):
        read_jwks(document)


def test_the_secret_half_is_not_published(signer: Signer, keyring: Keyring) -> None:
    [key] = signer.jwks()["keys"]
    assert set(key) == {"kty", "crv", "x", "kid", "alg", "use"}
    assert from_base64url(key["x"].encode()) != keyring.current("receipt")[1]
