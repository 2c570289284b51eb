"""A link lets in whoever has it, to one product, until its end, and no longer than the very right it was made of."""

import json
from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx
import msgspec
import pytest
from joserfc import jws
from joserfc.jwk import OctKey

from lingdang.clock import system_clock
from lingdang.jose import SignedTokens, from_base64url, to_base64url
from lingdang.keys import Keyring, retire, rotate
from lingdang.library.links import MAX_TOKEN_LENGTH, Claims
from support.buyer import Buyer, books
from support.customers import key_of
from support.hands import Hands
from support.people import api_key
from support.refunds import ann_among_books, bought, desk_of, own, owned, refund
from support.shop import Shop, open_shop
from support.vouchers import differences


@pytest.fixture
async def ann(shop: Shop) -> Buyer:
    return await ann_among_books(shop)


async def made(ann: Buyer, product_id: str = "a", seconds: int = 600) -> str:
    path = f"/v1/entitlements/{product_id}/links"
    answer = await ann.shop.http.post(path, json={"seconds": seconds}, headers=ann.headers)
    assert answer.status_code == 200, answer.text
    token: str = answer.json()["token"]
    return token


async def followed(shop: Shop, token: str, product_id: str = "a", **headers: str) -> httpx.Response:
    """A request as a download sends it: no session."""
    return await shop.http.get("/v1/access", params={"productId": product_id, "token": token}, headers=headers)


async def refused(shop: Shop, token: str, product_id: str = "a") -> tuple[int, str]:
    answer = await followed(shop, token, product_id)
    return answer.status_code, answer.json()["code"]


async def test_whoever_has_it_is_let_in(shop: Shop, ann: Buyer) -> None:
    order_id = await bought(ann, "a")
    before = books(shop)
    path = "/v1/entitlements/a/links"
    asked = system_clock()
    answer = (await shop.http.post(path, json={"seconds": 60}, headers=ann.headers)).json()
    end = asked.fromisoformat(answer["expiresAt"])
    assert timedelta(seconds=58) < end - asked <= system_clock() - asked + timedelta(seconds=60)
    for _ in "12":
        access = await followed(shop, answer["token"])
        assert (access.status_code, access.headers["x-entitlement-order"]) == (204, order_id)
    assert books(shop) == before, "with no refunds by customers nothing is noted, and nothing of a link is kept"


async def test_beside_it_other_credentials_do_not_count(shop: Shop, ann: Buyer) -> None:
    """A download behind a proxy may carry a password of the proxy's own."""
    await bought(ann, "a")
    token = await made(ann)
    assert (await followed(shop, token, Authorization="Basic YTpi")).status_code == 204
    assert (await followed(shop, "x", **ann.headers)).status_code == 401
    assert (await ann.get("/v1/access", productId="a")).status_code == 204


async def test_a_grant_has_links_too(shop: Shop, ann: Buyer) -> None:
    desk = await desk_of(shop)
    path = "/v1/admin/customers/ann/entitlements/a"
    assert (await shop.http.put(path, json={"grantId": "g-1", "reason": "gift"}, headers=desk)).status_code == 200
    token = await made(ann)
    assert (await followed(shop, token)).headers["x-entitlement-grant"] == "g-1"
    end = {"revocationId": "v-1", "reason": "mistake"}
    assert (await shop.http.post(f"{path}/revocations", json=end, headers=desk)).status_code == 200
    assert await refused(shop, token) == (403, "not_entitled")
    assert (await shop.http.put(path, json={"grantId": "g-2", "reason": "gift"}, headers=desk)).status_code == 200
    assert await refused(shop, token) == (403, "not_entitled")
    assert (await followed(shop, await made(ann))).status_code == 204


async def test_a_refund_ends_it_and_buying_again_does_not_revive_it(shop: Shop, ann: Buyer) -> None:
    desk = await desk_of(shop)
    old_order = await bought(ann, "a")
    token = await made(ann)
    assert (await refund(shop, desk, old_order)).status_code == 200
    assert await refused(shop, token) == (403, "not_entitled")
    new_order = await bought(ann, "a")
    assert await refused(shop, token) == (403, "not_entitled")
    access = await followed(shop, await made(ann))
    assert (access.status_code, access.headers["x-entitlement-order"]) == (204, new_order)
    assert differences(shop) == []


async def test_of_another_product_it_opens_nothing(shop: Shop, ann: Buyer) -> None:
    await bought(ann, "a", "b")
    token = await made(ann)
    assert await refused(shop, token, "b") == (403, "not_entitled")
    assert (await followed(shop, token, "b")).json()["productId"] == "b"
    assert (await shop.http.get("/v1/access", params={"token": token})).status_code == 400


async def test_it_ends(database_url: str, keyring: Keyring) -> None:
    hands = Hands()
    async with open_shop(database_url, keyring, clock=hands, session_seconds=60) as shop:
        ann = await ann_among_books(shop)
        await bought(ann, "a")
        short, long = await made(ann, seconds=60), await made(ann, seconds=86_400)
        assert (await followed(shop, short)).status_code == 204
        hands.forward(61)
        assert await refused(shop, short) == (401, "unauthenticated")
        assert (await ann.get("/v1/access", productId="a")).status_code == 401, "the session has ended too"
        assert (await followed(shop, long)).status_code == 204
        hands.forward(86_400)
        assert await refused(shop, long) == (401, "unauthenticated")


async def test_altered_or_made_elsewhere_it_is_none(shop: Shop, ann: Buyer) -> None:
    await bought(ann, "a")
    token = await made(ann)
    header, claims, signature = token.split(".")
    said = json.loads(from_base64url(claims.encode()))
    forged = to_base64url(msgspec.json.encode(said | {"exp": 2**33})).decode()
    others = [
        *(token[:at] + ("A" if token[at] != "A" else "B") + token[at + 1 :] for at in range(0, len(token), 7)),
        f"{header}.{forged}.{signature}",
        f"{header}.{claims}.",
        f"{header}.{claims}",
        token + "A",
        token + "=",
        "",
        "x",
        "é",
        "A" * (MAX_TOKEN_LENGTH + 1),
        ann.token,
        (await ann.checkout("b"))["orderToken"],
    ]
    for other in others:
        assert await refused(shop, other) == (401, "unauthenticated"), other
    wrong = {"Authorization": f"Bearer {token}", "X-Cust-Id": "ann"}
    assert (await shop.http.get("/v1/wallet", headers=wrong)).status_code == 401, "it is no session"
    assert (await followed(shop, token)).status_code == 204


async def test_a_rotation_keeps_it_and_retirement_ends_it(shop: Shop, ann: Buyer) -> None:
    await bought(ann, "a")
    old = await made(ann)
    now = system_clock()
    rotate(shop.keyring.path, now, now)
    assert (await followed(shop, old)).status_code == 204
    # Another process has rotated: the server looks at the file when it sees a key that it does not know.
    new, _ = SignedTokens(Keyring(shop.keyring.path), "access-link", "link+jwt", Claims, MAX_TOKEN_LENGTH).issue(
        Claims(key_of("ann"), "a", _cause(shop), int(now.timestamp()) + 600)
    )
    assert (await followed(shop, new)).status_code == 204
    retire(shop.keyring.path, 1, system_clock())
    shop.keyring.versions()  # reads the file that has changed
    assert await refused(shop, old) == (401, "unauthenticated")
    assert (await followed(shop, new)).status_code == 204


def _cause(shop: Shop) -> UUID:
    [[cause]] = shop.sql("SELECT cause FROM transfer WHERE kind = 'payment'")
    return UUID(str(cause))


def test_it_is_a_jwt_that_another_library_reads(keyring: Keyring) -> None:
    tokens = SignedTokens(keyring, "access-link", "link+jwt", Claims, MAX_TOKEN_LENGTH)
    longest = Claims(2**63 - 1, "p" * 64, UUID(int=2**128 - 1), 253_402_300_799)
    token, kid = tokens.issue(longest)
    assert len(token) < MAX_TOKEN_LENGTH
    read = jws.deserialize_compact(token, OctKey.import_key(keyring.current("access-link")[1]), ["HS256"])
    assert read.headers() == {"alg": "HS256", "typ": "link+jwt", "kid": kid}
    opened = tokens.open(token)
    assert opened is not None
    assert opened.claims == longest


async def test_the_first_use_marks_the_product_as_opened(database_url: str, keyring: Keyring) -> None:
    """Making it does not; and a link of a right that was given back marks nothing."""
    async with open_shop(database_url, keyring, refund_days=14) as shop:
        ann = await ann_among_books(shop)
        first = await bought(ann, "a")
        old = await made(ann)
        assert (await own(ann, first)).status_code == 200
        second = await bought(ann, "a")
        new = await made(ann)
        assert await refused(shop, old) == (403, "not_entitled")
        assert shop.sql("SELECT opened_at FROM entitlement") == [(None,)]
        assert (await followed(shop, new)).status_code == 204
        [[opened]] = shop.sql("SELECT opened_at FROM entitlement")
        assert opened is not None
        answer = await own(ann, second, "m-2")
        assert (answer.status_code, answer.json()["reasons"]) == (409, {"a": "opened"})
        assert (await followed(shop, new)).status_code == 204
        assert shop.sql("SELECT opened_at FROM entitlement") == [(opened,)]
        assert await owned(ann) == {"a"}
        assert differences(shop) == []


@pytest.mark.parametrize(
    ("product_id", "body", "status"),
    [
        ("b", {"seconds": 60}, 404),
        ("no-such-book", {"seconds": 60}, 404),
        ("a", {"seconds": 0}, 400),
        ("a", {"seconds": 86_401}, 400),
        ("a", {"seconds": "60"}, 400),
        ("a", {}, 400),
        ("a", {"seconds": 60, "custId": "bob"}, 400),
    ],
)
async def test_none_is_made(shop: Shop, ann: Buyer, product_id: str, body: dict[str, Any], status: int) -> None:
    await bought(ann, "a")
    before = books(shop)
    answer = await shop.http.post(f"/v1/entitlements/{product_id}/links", json=body, headers=ann.headers)
    assert (answer.status_code, "token" in answer.json()) == (status, False)
    assert books(shop) == before


async def test_who_may_not_make_one(shop: Shop, ann: Buyer) -> None:
    await bought(ann, "a")
    path, body = "/v1/entitlements/a/links", {"seconds": 60}
    keys = await api_key(shop)
    for headers, status in ((keys, 401), ({}, 401), (ann.headers | {"X-Cust-Id": "bob"}, 403)):
        assert (await shop.http.post(path, json=body, headers=headers)).status_code == status
    assert (await shop.http.delete("/v1/sessions/current", headers=ann.headers)).status_code == 204
    assert (await shop.http.post(path, json=body, headers=ann.headers)).status_code == 401
