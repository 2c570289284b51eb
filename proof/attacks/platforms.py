"""A platform's own JWTs, which open a session for the customer that they name."""

import asyncio
import hmac
import threading
from collections.abc import Awaitable, Coroutine
from functools import cached_property
from http.server import BaseHTTPRequestHandler, HTTPServer
from random import Random
from typing import Any, TypeVar

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from joserfc.jwk import ECKey, OKPKey, RSAKey

from lingdang.identity.jwks import Jwks
from lingdang.identity.platform_tokens import PlatformTokens, Trusted
from lingdang.settings import OidcIssuer
from proof.attacks.dotted import DOTTED, encoded, other_claims
from proof.attacks.minting import NOW, Private, jws_signature, p256_key, rsa_key, signing_input, uuid
from proof.attacks.target import Target
from proof.attacks.texts import any_text, of_text
from proof.attacks.world import CUSTOMERS, World

ISSUER = "https://login.example"
AUDIENCE = "bookshop"

_ALGORITHMS = {"rsa": "RS256", "p256": "ES256", "ed": "EdDSA"}

T = TypeVar("T")


class Platform:
    """A platform's key pairs by their ids, made from a seed, and `strangers` of the same kinds."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self.keys = _key_pairs(f"{seed}/platform")

    @cached_property
    def strangers(self) -> dict[str, Private]:
        return _key_pairs(f"{self._seed}/strangers")

    def token(self, rng: Random, kid: str, *, key: Private | None = None, alg: str = "", **claims: Any) -> str:
        """A JWT; what is not said is as it should be."""
        now = NOW.timestamp()
        said = {"iss": ISSUER, "aud": AUDIENCE, "sub": rng.choice(CUSTOMERS), "iat": now, "exp": now + 300} | claims
        message = signing_input({"alg": alg or _ALGORITHMS[kid], "kid": kid, "typ": "JWT"}, said)
        return f"{message}.{encoded(jws_signature(key or self.keys[kid], message.encode()))}"

    def jwks(self) -> bytes:
        """The public keys, as they are published."""
        return msgspec.json.encode({"keys": [_jwk(kid, key) for kid, key in self.keys.items()]})


def platform_target(world: World, platform: Platform) -> Target[str]:
    """`PlatformTokens.verify`, which opens a session for a platform's customer."""
    tokens = verifying(platform)

    def verify(token: str) -> None:
        at_once(tokens.verify(token, NOW))

    good = [platform.token(world.rng, kid, jti=str(uuid(world.rng))) for kid in _ALGORITHMS for _ in range(4)]
    kinds = {
        **of_text(),
        **DOTTED,
        "other claims": other_claims,
        "a stranger's key": lambda rng, _it, _: _by_a_stranger(platform, rng),
        "the public key as a secret": lambda rng, it, _: _confused(platform, rng, it),
        "another key, algorithm or kid": lambda rng, _it, _: _mixed_up(platform, rng),
        "signed, but not for this": lambda rng, _it, _: _not_for_this(platform, rng),
        "a token for something else": lambda rng, _it, _: rng.choice(world.holders).token,
    }
    return Target("platform token", good, kinds, verify, frozenset({"unauthenticated"}))


def verifying(platform: Platform) -> PlatformTokens:
    """The shop's verifier, with the platform's keys as they were fetched over HTTP once."""
    return PlatformTokens([Trusted(OidcIssuer(issuer=ISSUER, audience=AUDIENCE), _fetched(platform.jwks()))])


def at_once(work: Awaitable[T]) -> T:
    """The result of a coroutine that has nothing to wait for; an event loop would take most of the time."""
    assert isinstance(work, Coroutine), "what handlers and verifiers are"
    try:
        work.send(None)
    except StopIteration as done:
        result: T = done.value
        return result
    work.close()
    raise RuntimeError("it waited for something")


def _by_a_stranger(platform: Platform, rng: Random) -> str:
    """Signed with somebody else's key under the platform's key id."""
    kid = rng.choice(list(_ALGORITHMS))
    return platform.token(rng, kid, key=platform.strangers[kid])


def _mixed_up(platform: Platform, rng: Random) -> str:
    """A key that the platform has, under another one's id or algorithm."""
    kid, other = rng.sample(list(_ALGORITHMS), 2)
    return platform.token(rng, kid, key=platform.keys[other], alg=rng.choice((_ALGORITHMS[kid], _ALGORITHMS[other])))


def _confused(platform: Platform, rng: Random, token: str) -> str:
    """HMAC with the public key, in any of its forms, as the secret."""
    kid = rng.choice(list(platform.keys))
    public = platform.keys[kid].public_key()
    secret = rng.choice(
        (
            public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
            public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo),
            msgspec.json.encode(_jwk(kid, platform.keys[kid])),
            b"",
        )
    )
    bits = rng.choice((256, 384, 512))
    header = encoded(msgspec.json.encode({"alg": f"HS{bits}", "kid": kid, "typ": "JWT"}))
    message = f"{header}.{token.split('.')[1]}"
    return f"{message}.{encoded(hmac.digest(secret, message.encode(), f'sha{bits}'))}"


def _not_for_this(platform: Platform, rng: Random) -> str:
    """Signed by the platform, but for another audience, by another issuer, for nobody, or for another time."""
    now = NOW.timestamp()
    wrong: tuple[dict[str, Any], ...] = (
        {"iss": any_text(rng, ISSUER).encode("utf-8", "replace").decode()},
        {"aud": any_text(rng, AUDIENCE).encode("utf-8", "replace").decode()},
        {"aud": rng.choice(([], ["other"], {}, None, [AUDIENCE + " "], 1))},
        {"sub": rng.choice(("", "a b", "ann\n", "ann\0", "ａnn", None, 1, ["ann"], "a" * 129, "ann;", "../ann", ".."))},
        {"exp": rng.choice((now - 60, now - 3600, 0, -1, None, "9999999999", True, 1e400, -1e400, float("nan")))},
        {"nbf": rng.choice((now + 61, now + 3600, 2**63, 1e308, "0", False, -1))},
        {"iat": rng.choice((now + 61, now + 3600, 2**63, 1e308, "0", False, -1))},
    )
    return platform.token(rng, rng.choice(list(_ALGORITHMS)), **rng.choice(wrong))


def _key_pairs(seed: str) -> dict[str, Private]:
    rng = Random(seed)
    return {
        "rsa": rsa_key(seed),
        "p256": p256_key(rng),
        "ed": Ed25519PrivateKey.from_private_bytes(rng.randbytes(32)),
    }


def _jwk(kid: str, key: Private) -> dict[str, Any]:
    kind: Any = {"rsa": RSAKey, "p256": ECKey, "ed": OKPKey}[kid]
    pem = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return {**kind.import_key(pem).as_dict(private=False), "kid": kid, "use": "sig"}


def _fetched(jwks: bytes) -> Jwks:
    """The shop's own set of keys after it has asked for them. Its clock stands still: it does not ask again."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", str(len(jwks)))
            self.end_headers()
            self.wfile.write(jwks)

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.handle_request, daemon=True).start()
        keys = Jwks(ISSUER, f"http://127.0.0.1:{server.server_port}/keys", monotonic=lambda: 0.0)
        asyncio.run(_ask(keys))
    return keys


async def _ask(keys: Jwks) -> None:
    assert await keys.candidates("rsa", "RS256"), "the platform answers"
    await keys.close()
