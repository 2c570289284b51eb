"""Alterations of tokens whose parts are base64url joined by dots, as every JWT, JWS and JWE is."""

import base64
import json
from collections.abc import Callable, Sequence
from random import Random
from typing import Any

from proof.attacks.target import Alter

_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

ODD_VALUES: tuple[Any, ...] = (
    None,
    True,
    False,
    0,
    -1,
    2**63,
    1e308,
    "",
    "none",
    "0",
    [],
    {},
    ["ann"],
    "ann\0",
    "ａnn",
)
"""What a member may be given instead of what it is."""

_HEADERS: dict[str, tuple[Any, ...]] = {
    "alg": (
        *("none", "None", "NONE", "", "HS256", "hs256", "HS384", "HS512", "RS256", "RS512", "PS256", "ES256", "ES384"),
        *("EdDSA", "dir", "A256KW", "RSA1_5", "RSA-OAEP", "PBES2-HS512+A256KW", "A256GCMKW", "ECDH-ES"),
    ),
    "enc": ("A256CBC-HS512", "A128CBC-HS256", "A256GCM", "A128GCM", "none", ""),
    "kid": ("k0", "k1", "k2", "k3", "k4", "K3", "k03", "", "../k3", "k3\0", "rsa", "p256", "ed", "k3' OR '1'='1"),
    "zip": ("DEF", "GZ", "", "none"),
    "typ": ("JWT", "at+jwt", "session+jwt", "order+jwe", "receipt+jws", "logout+jwt", ""),
    "cty": ("JWT", "session+jwt"),
    "crit": (["exp"], ["b64"], [], ["zip"], "exp"),
    "b64": (False, True),
    "jku": ("https://login.example/keys", "http://127.0.0.1:1/", "file:///etc/passwd"),
    "x5u": ("http://127.0.0.1:1/",),
    "jwk": ({"kty": "oct", "k": ""}, {"kty": "oct", "k": "AAAA"}),
    "p2c": (1, 2**31),
    "epk": ({"kty": "EC"},),
}


def encoded(raw: bytes) -> str:
    """Base64url without padding."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def decoded(part: str) -> bytes:
    """What a good part stands for."""
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


def spliced(rng: Random, token: str, every: Sequence[str]) -> str:
    """Each part from one of the good ones, whole or from two of them."""
    givers = [token.split("."), *(rng.choice(every).split(".") for _ in range(2))]
    parts = [_mixed(rng, *rng.choices(column, k=2)) for column in zip(*givers, strict=False)]
    return ".".join(parts)


def rearranged(rng: Random, token: str, _every: Sequence[str]) -> str:
    """Parts in another order, left out, emptied, repeated."""
    parts = token.split(".")
    at = rng.randrange(len(parts))
    ways: tuple[Callable[[], list[str]], ...] = (
        lambda: rng.sample(parts, len(parts)),
        lambda: parts[:at] + parts[at + 1 :],
        lambda: [*parts[:at], "", *parts[at + 1 :]],
        lambda: [*parts[:at], parts[at], *parts[at:]],
        lambda: [*parts, *[""] * rng.randrange(1, 4)],
        lambda: parts[:at],
    )
    return ".".join(rng.choice(ways)())


def recoded(rng: Random, token: str, _every: Sequence[str]) -> str:
    """A part that a tolerant decoder takes for the same bytes: padding, alphabet, bits left over, line ends."""
    parts = token.split(".")
    at = rng.choice([i for i, part in enumerate(parts) if part])
    parts[at] = rng.choice(_RECODINGS)(rng, parts[at])
    return ".".join(parts)


def _padded(rng: Random, part: str) -> str:
    return part + "=" * rng.randrange(1, 5)


def _plain_alphabet(_rng: Random, part: str) -> str:
    return part.replace("-", "+").replace("_", "/")


def _bits_left_over(rng: Random, part: str) -> str:
    """The last character's bits that stand for nothing, set otherwise."""
    free = {2: 4, 3: 2}.get(len(part) % 4, 0)
    return part[:-1] + _ALPHABET[_ALPHABET.index(part[-1]) ^ rng.randrange(1 << free)]


def _broken_lines(rng: Random, part: str) -> str:
    at = rng.randrange(len(part) + 1)
    return part[:at] + rng.choice(("\n", "\r\n", " ", "!", "*", "%0a", "~")) + part[at:]


def _other_base(rng: Random, part: str) -> str:
    raw = decoded(part)
    return rng.choice((raw.hex(), base64.b32encode(raw).decode(), encoded(part.encode()), raw.decode("latin-1")))


def _longer(rng: Random, part: str) -> str:
    return encoded(decoded(part) + rng.choice((b"\0", b"\0\0\0", b"\x10" * 16)))


def _shorter(rng: Random, part: str) -> str:
    return encoded(decoded(part)[: -rng.randrange(1, 17)])


_RECODINGS = (_padded, _plain_alphabet, _bits_left_over, _broken_lines, _other_base, _longer, _shorter)


def other_header(rng: Random, token: str, _every: Sequence[str]) -> str:
    """Members of the header set, removed or repeated; without a signature where it says that there is none."""
    header, *rest = token.split(".")
    members: dict[str, Any] = json.loads(decoded(header))
    for _ in range(rng.randrange(1, 3)):
        name = rng.choice(list(_HEADERS))
        if rng.random() < 0.15 and name in members:
            del members[name]
        else:
            members[name] = rng.choice((*_HEADERS[name], rng.choice(ODD_VALUES)))
    if rng.random() < 0.3:
        rest[-1] = ""
    return ".".join((encoded(json.dumps(members).encode()), *rest))


def header_written_otherwise(rng: Random, token: str, _every: Sequence[str]) -> str:
    """The same header in other characters of JSON, or with a member twice."""
    header, *rest = token.split(".")
    members: dict[str, Any] = json.loads(decoded(header))
    names = rng.sample(list(members), len(members))
    name = rng.choice(names)
    ways = (
        json.dumps({n: members[n] for n in names}, separators=(",", ":")),
        json.dumps(members, indent=rng.randrange(4)),
        json.dumps(members, separators=(",", ":")) + rng.choice((" ", "\n", "\0")),
        "\ufeff" + json.dumps(members, separators=(",", ":")),
        json.dumps(members, separators=(",", ":")).replace(f'"{name}"', f'"\\u{ord(name[0]):04x}{name[1:]}"'),
        json.dumps(members, separators=(",", ":"))[:-1] + f',"{name}":{json.dumps(members[name])}}}',
    )
    return ".".join((encoded(rng.choice(ways).encode()), *rest))


def other_claims(rng: Random, token: str, _every: Sequence[str]) -> str:
    """A member of the claims of a JWT set otherwise, under the signature as it was."""
    header, claims, signature = token.split(".")
    members: dict[str, Any] = json.loads(decoded(claims))
    name = rng.choice(list(members))
    if isinstance(members[name], int):
        members[name] += rng.choice((1, -1, 3600, 10**9, 2**63))
    else:
        members[name] = rng.choice((*ODD_VALUES, "bob", "MD5", "HMAC-SHA256"))
    if rng.random() < 0.1:
        del members[name]
    return f"{header}.{encoded(json.dumps(members, separators=(',', ':')).encode())}.{signature}"


DOTTED: dict[str, Alter[str]] = {
    "parts of good ones together": spliced,
    "parts left out, moved, repeated": rearranged,
    "base64 written otherwise": recoded,
    "other alg, enc, kid, typ, zip …": other_header,
    "header written otherwise": header_written_otherwise,
}
"""By name; for tokens with claims there are also `other_claims`."""


def _mixed(rng: Random, one: str, other: str) -> str:
    """One of the two, or the beginning of one and the rest of the other."""
    at = rng.randrange(len(one) + 1)
    return one if rng.random() < 0.7 else one[:at] + other[at:]
