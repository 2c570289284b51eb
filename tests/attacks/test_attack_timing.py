"""How long a comparison takes must not tell how much of a guess is right: secrets meet in compare_digest alone."""

import hmac
from collections.abc import Callable
from typing import Any

import pytest

from lingdang import jose
from lingdang.checkout import order_token
from lingdang.identity import api_keys, passwords
from lingdang.payment import signing
from lingdang.settings import SignType
from support.buyer import buyer, give, stock
from support.people import api_key, open_session, register
from support.shop import Shop

Watched = list[tuple[Any, Any]]


@pytest.fixture
def compared(monkeypatch: pytest.MonkeyPatch) -> Watched:
    """Every pair that meets in constant time."""
    pairs: Watched = []

    def watching(a: Any, b: Any, real: Callable[[Any, Any], bool] = hmac.compare_digest) -> bool:
        pairs.append((a, b))
        return real(a, b)

    monkeypatch.setattr(hmac, "compare_digest", watching)
    for module in (order_token, api_keys, jose, signing):
        if hasattr(module, "compare_digest"):
            monkeypatch.setattr(module, "compare_digest", watching)
    return pairs


@pytest.mark.parametrize("sign_type", ["MD5", "HMAC-SHA256"])
async def test_a_signature(shop: Shop, compared: Watched, sign_type: SignType) -> None:
    stock(shop, "book-1")
    await give(shop, "ann", 500)
    ann = buyer(shop, sign_type=sign_type)
    order = await ann.checkout("book-1")
    body = ann.payment(order["orderToken"], ["book-1"])
    wrong = body["sign"][:-1] + ("0" if body["sign"][-1] != "0" else "1")
    for sign, status in ((wrong, 403), (body["sign"], 200)):
        compared.clear()
        assert (await ann.send({**body, "sign": sign})).status_code == status
        assert any(sign.lower().encode() in pair for pair in compared)


async def test_a_token_s_tag(shop: Shop, compared: Watched) -> None:
    """The session's and the order's: both are looked at by their tag before anything in them is."""
    stock(shop, "book-1")
    ann = buyer(shop)
    order = await ann.checkout("book-1")
    for token in (order["orderToken"], ann.headers["Authorization"].split()[1]):
        forged = token[:-6] + ("AAAAAA" if not token.endswith("AAAAAA") else "BBBBBB")
        compared.clear()
        if token == order["orderToken"]:
            answer = await ann.send(ann.payment(forged, ["book-1"]))
            assert answer.json()["code"] == "token_invalid"
        else:
            answer = await shop.http.get("/v1/wallet", headers=ann.headers | {"Authorization": f"Bearer {forged}"})
            assert answer.json()["code"] == "unauthenticated"
        assert compared, "the tag met its like in constant time"


async def test_an_operator_s_key(shop: Shop, compared: Watched) -> None:
    good = (await api_key(shop, "orders:read"))["Authorization"]
    compared.clear()
    answer = await shop.http.get("/v1/admin/orders?custId=ann", headers={"Authorization": good[:-1] + "~"})
    assert answer.status_code == 401
    near = good[:-1] + ("A" if good[-1] != "A" else "B")
    assert (await shop.http.get("/v1/admin/orders?custId=ann", headers={"Authorization": near})).status_code == 401
    assert compared


async def test_a_customer_who_does_not_exist_costs_a_hash_as_well(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    await register(shop, "ann")
    verified: list[str | None] = []
    real = passwords.Passwords._verify

    def watching(self: passwords.Passwords, password: bytes, stored: str | None) -> passwords.Verdict:
        verified.append(stored)
        return real(self, password, stored)

    monkeypatch.setattr(passwords.Passwords, "_verify", watching)
    for who in ("ann", "nobody"):
        assert (await open_session(shop, custId=who, password="wrong one")).status_code == 401
    assert len(verified) == 2
    assert verified[0] is not None
    assert verified[1] is None
