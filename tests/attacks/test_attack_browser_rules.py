"""What another site's page could make a reader's browser do: nothing, for it holds no cookie and may read no answer."""

import json

import pytest

from support.buyer import buyer, give, stock
from support.described import routes_of
from support.shop import Shop

EVIL = {"Origin": "https://evil.example"}


async def test_no_preflight_is_granted_and_no_answer_is_shared(shop: Shop) -> None:
    asked = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization, x-cust-id"}
    ann = buyer(shop)
    for method, path, _ in await routes_of(shop):
        preflight = await shop.http.options(path, headers=EVIL | asked)
        answer = await shop.http.request(method, path, headers=EVIL | ann.headers)
        for answered in (preflight, answer):
            shared = [name for name in answered.headers if name.startswith("access-control-")]
            assert shared == [], (method, path)
            assert "set-cookie" not in answered.headers


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"])
async def test_a_form_of_another_site_pays_and_claims_nothing(shop: Shop, kind: str) -> None:
    """A form can send no Authorization header, and nothing else says who the reader is."""
    stock(shop, "book-1")
    await give(shop, "ann", 500)
    ann = buyer(shop)
    order = await ann.checkout("book-1")
    body = json.dumps(ann.payment(order["orderToken"], ["book-1"]))
    headers = EVIL | {"Content-Type": kind, "Cookie": f"session={ann.headers['Authorization'].split()[1]}"}
    for path, sent in (
        ("/v1/payments", body),
        ("/v1/checkout", '{"productIds":["book-1"]}'),
        ("/v1/vouchers/claim", "{}"),
    ):
        answer = await shop.http.post(path, content=sent, headers=headers)
        assert answer.status_code in (400, 401, 415), (path, answer.text)
    assert shop.sql("SELECT balance FROM wallet") == [(500,)]


@pytest.mark.parametrize("host", ["evil.example", "localhost:1", "[::1]", ""])
async def test_no_answer_repeats_the_name_it_was_asked_by(shop: Shop, host: str) -> None:
    """Who puts another name into Host must not find it in a link, a redirect or a description."""
    for path in ("/", "/openapi.json", "/v1/nothing", "/v1", "//evil.example/v1/cart"):
        answer = await shop.http.get(path, headers={"Host": host, "X-Forwarded-Host": "evil.example"})
        assert "evil.example" not in answer.text.replace("//evil.example/v1/cart", "")
        assert "evil.example" not in answer.headers.get("location", "")
        assert answer.status_code < 500
