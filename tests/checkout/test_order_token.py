"""The order token: opened by nobody else, and not to be changed in a single character."""

import base64
import json
import random
import string
from datetime import timedelta
from pathlib import Path

import pytest
from joserfc import jwe
from joserfc.jwk import OctKey

from lingdang.checkout.offer import decode_offer
from lingdang.checkout.order_token import OrderTokens
from lingdang.clock import system_clock
from lingdang.errors import Problem
from lingdang.keys import Keyring, create_keyring, retire, rotate
from support.offers import offer

ALPHABET = string.ascii_letters + string.digits + "-_.=+/ é\n"


@pytest.fixture
def tokens(keyring: Keyring) -> OrderTokens:
    return OrderTokens(keyring)


def refused(tokens: OrderTokens, token: str) -> bool:
    try:
        tokens.open(token)
    except Problem as problem:
        return problem.code == "token_invalid"
    return False


def test_opens_what_it_sealed(tokens: OrderTokens) -> None:
    sealed = offer()
    token = tokens.issue(sealed)
    assert tokens.open(token) == sealed
    assert tokens.issue(sealed) != token


def test_is_a_jwe_that_another_library_opens(tokens: OrderTokens, keyring: Keyring) -> None:
    sealed = offer()
    token = tokens.issue(sealed)
    kid, key = keyring.current("order-token", 64)
    opened = jwe.decrypt_compact(token, OctKey.import_key(key), algorithms=["dir", "A256CBC-HS512"])
    assert opened.headers() == {"alg": "dir", "enc": "A256CBC-HS512", "kid": kid, "typ": "order+jwe"}
    assert decode_offer(opened.plaintext or b"") == sealed


def test_opens_what_another_library_sealed_with_the_same_header(tokens: OrderTokens, keyring: Keyring) -> None:
    token = tokens.issue(offer())
    key = OctKey.import_key(keyring.current("order-token", 64)[1])
    algorithms = ["dir", "A256CBC-HS512"]
    opened = jwe.decrypt_compact(token, key, algorithms=algorithms)
    header = {"alg": "dir", "enc": "A256CBC-HS512", "kid": "k1", "typ": "order+jwe"}
    again = jwe.encrypt_compact(header, opened.plaintext or b"", key, algorithms=algorithms)
    assert tokens.open(again) == tokens.open(token)


def test_every_single_character_change_is_refused(tokens: OrderTokens) -> None:
    token = tokens.issue(offer("ann"))
    for place, was in enumerate(token):
        for other in ALPHABET:
            if other != was:
                assert refused(tokens, token[:place] + other + token[place + 1 :]), (place, other)
        assert refused(tokens, token[:place] + token[place + 1 :])


def test_fifty_thousand_random_alterations_are_refused(tokens: OrderTokens) -> None:
    chance = random.Random(20261123)
    first, second = tokens.issue(offer("ann")), tokens.issue(offer("bob"))
    for _ in range(50_000):
        altered = _altered(chance, first, second)
        assert altered in (first, second) or refused(tokens, altered)


def _altered(chance: random.Random, first: str, second: str) -> str:
    """Cut, spliced, swapped, doubled, or with up to five characters changed."""
    place = chance.randrange(len(first))
    kind = chance.randrange(5)
    if kind == 0:
        return first[:place]
    if kind == 1:
        return first[:place] + second[place:]
    if kind == 2:
        parts, others = first.split("."), second.split(".")
        part = chance.randrange(5)
        return ".".join([*parts[:part], others[part], *parts[part + 1 :]])
    if kind == 3:
        return first[:place] + first[place - 8 if place > 8 else 0 :]
    changed = list(first)
    for _ in range(chance.randint(1, 5)):
        changed[chance.randrange(len(changed))] = chance.choice(ALPHABET)
    return "".join(changed)


@pytest.mark.parametrize(
    "header",
    [
        {"alg": "dir", "enc": "A256CBC-HS512", "kid": "k1", "typ": "order+jwe", "zip": "DEF"},
        {"alg": "none", "enc": "A256CBC-HS512", "kid": "k1", "typ": "order+jwe"},
        {"alg": "dir", "enc": "A128GCM", "kid": "k1", "typ": "order+jwe"},
        {"alg": "dir", "enc": "A256CBC-HS512", "kid": "k2", "typ": "order+jwe"},
        {"alg": "dir", "enc": "A256CBC-HS512", "kid": "../../dev/null", "typ": "order+jwe"},
        {"alg": "dir", "enc": "A256CBC-HS512", "kid": "k1", "typ": "jwt"},
        {"typ": "order+jwe", "alg": "dir", "enc": "A256CBC-HS512", "kid": "k1"},
        {},
    ],
)
def test_another_header_is_refused(tokens: OrderTokens, header: dict[str, str]) -> None:
    rest = tokens.issue(offer()).partition(".")[2]
    text = base64.urlsafe_b64encode(json.dumps(header, separators=(",", ":")).encode()).rstrip(b"=").decode()
    assert refused(tokens, f"{text}.{rest}")


@pytest.mark.parametrize("token", ["", ".", "....", "a.b.c.d.e", "铃铛", "a" * 10_000, "." * 10_000, "\0"])
def test_nonsense_is_refused(tokens: OrderTokens, token: str) -> None:
    assert refused(tokens, token)


def test_another_deployment_is_refused(tokens: OrderTokens, tmp_path: Path) -> None:
    create_keyring(tmp_path / "other.json", system_clock())
    assert refused(OrderTokens(Keyring(tmp_path / "other.json")), tokens.issue(offer()))


def test_rotation_keeps_old_tokens_and_retirement_ends_them(keyring: Keyring) -> None:
    # Two workers that share the file: each rotation is seen by the other without being told.
    one, two = OrderTokens(keyring), OrderTokens(Keyring(keyring.path))
    old = one.issue(offer())
    now = system_clock()
    rotate(keyring.path, now, now)
    three = OrderTokens(Keyring(keyring.path))
    new = three.issue(offer())
    assert new.partition(".")[0] != old.partition(".")[0]
    for tokens in (one, two, three):
        tokens.open(old)
        tokens.open(new)
    retire(keyring.path, 1, now)
    fresh = OrderTokens(Keyring(keyring.path))
    assert refused(fresh, old)
    fresh.open(new)


def test_a_key_does_not_seal_before_it_is_active(keyring: Keyring) -> None:
    now = system_clock()
    rotate(keyring.path, now, now + timedelta(hours=1))
    ring = Keyring(keyring.path)
    assert ring.current("order-token", 64)[0] == "k1"
    assert ring.known("k2", "order-token", 64) is not None
