"""The session token as a JWT: what another library reads in it, and headers that this server did not write."""

import hmac
import json
from base64 import urlsafe_b64encode
from uuid import UUID

import msgspec
import pytest
from joserfc import jws
from joserfc.jwk import OctKey

from lingdang.identity.tokens import MAX_TOKEN_LENGTH, Claims, Point, SessionTokens
from lingdang.keys import Keyring

SID = UUID("019aaf52-0000-7000-8000-000000000001")
CLAIMS = Claims(sub="ann", cus=2**62, sid=SID, sig="MD5", iat=1_795_441_111, exp=1_795_484_311)
LAST = 253_402_300_799
"""The last second of the year 9999."""
HEADER: dict[str, object] = {"alg": "HS256", "kid": "k1", "typ": "session+jwt"}


@pytest.fixture
def tokens(keyring: Keyring) -> SessionTokens:
    return SessionTokens(keyring)


def key_of(keyring: Keyring) -> OctKey:
    return OctKey.import_key(keyring.current("session-token")[1])


def signed(keyring: Keyring, header: dict[str, object]) -> str:
    """The claims under any header, signed with the very key."""
    parts = [_text(json.dumps(header, separators=(",", ":")).encode()), _text(msgspec.json.encode(CLAIMS))]
    tag = hmac.digest(keyring.current("session-token")[1], ".".join(parts).encode(), "sha256")
    return ".".join([*parts, _text(tag)])


def _text(raw: bytes) -> str:
    return urlsafe_b64encode(raw).rstrip(b"=").decode()


def test_is_a_jwt_that_another_library_reads(tokens: SessionTokens, keyring: Keyring) -> None:
    token, kid = tokens.issue(CLAIMS)
    read = jws.deserialize_compact(token, key_of(keyring), ["HS256"])
    assert read.headers() == HEADER | {"kid": kid}
    assert json.loads(read.payload) == {
        "sub": "ann",
        "cus": 2**62,
        "sid": str(SID),
        "sig": "MD5",
        "iat": 1_795_441_111,
        "exp": 1_795_484_311,
    }


def test_the_longest_token_is_opened(tokens: SessionTokens) -> None:
    point = Point("x" * 43, "y" * 43)
    claims = Claims(sub="c" * 128, cus=2**63 - 1, sid=SID, sig="ES256", iat=LAST, exp=LAST, point=point)
    token, _ = tokens.issue(claims)
    assert len(token) < MAX_TOKEN_LENGTH
    opened = tokens.open(token)
    assert opened is not None
    assert opened.claims == claims


@pytest.mark.parametrize(
    "header",
    [
        HEADER | {"alg": "none"},
        HEADER | {"alg": "HS512"},
        HEADER | {"kid": "k2"},
        HEADER | {"typ": "JWT"},
        HEADER | {"crit": []},
        dict(reversed(HEADER.items())),
        {},
    ],
)
def test_another_header_is_refused_though_its_signature_is_right(
    tokens: SessionTokens, keyring: Keyring, header: dict[str, object]
) -> None:
    assert tokens.open(signed(keyring, HEADER)) is not None
    assert tokens.open(signed(keyring, header)) is None


@pytest.mark.parametrize("time", [-1, LAST + 1, 2**63, -(10**12), 10**30, 1.5, "1", None])
@pytest.mark.parametrize("name", ["iat", "exp"])
def test_times_that_no_datetime_has_are_refused_though_signed(
    tokens: SessionTokens, keyring: Keyring, name: str, time: object
) -> None:
    claims = json.dumps(msgspec.to_builtins(CLAIMS) | {name: time}).encode()
    assert tokens.open(jws.serialize_compact(HEADER, claims, key_of(keyring), ["HS256"])) is None


@pytest.mark.parametrize("key", [-1, 2**63, 10**30, 1.5, "1", None])
def test_a_key_that_no_customer_has_is_refused_though_signed(
    tokens: SessionTokens, keyring: Keyring, key: object
) -> None:
    claims = json.dumps(msgspec.to_builtins(CLAIMS) | {"cus": key}).encode()
    assert tokens.open(jws.serialize_compact(HEADER, claims, key_of(keyring), ["HS256"])) is None


def test_claims_of_another_shape_are_refused_though_signed(tokens: SessionTokens, keyring: Keyring) -> None:
    for claims in (b"", b"{}", b"[]", b'{"sub":"ann"}', b"\xff"):
        assert tokens.open(jws.serialize_compact(HEADER, claims, key_of(keyring), ["HS256"])) is None
