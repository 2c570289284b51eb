"""The shop front as it is served: every address of it, its headers, and nothing beside it."""

import asyncio
import gzip

from lingdang.web.assets import STATIC
from support.shop import Shop

PAGES = [
    "/",
    "/products/b-1",
    "/cart",
    "/order/abc",
    "/result/abc",
    "/library",
    "/read/b-1",
    "/orders",
    "/orders/abc",
    "/wallet",
    "/topup",
    "/topup/abc",
    "/login",
    "/lab",
]


async def test_every_address_of_the_shop_answers_its_document(shop: Shop) -> None:
    for path in PAGES:
        answer = await shop.http.get(path)
        assert (answer.status_code, answer.headers["content-type"]) == (200, "text/html; charset=utf-8"), path
        assert answer.text == (STATIC / "index.html").read_text(encoding="utf-8")


async def test_nothing_inline_and_nothing_from_elsewhere_may_run(shop: Shop) -> None:
    for path in ("/", "/static/app.js", "/sdk/index.js", "/static/css/base.css", "/static/icon.svg"):
        headers = (await shop.http.get(path)).headers
        policy = dict(part.split(" ", 1) for part in headers["content-security-policy"].split("; "))
        assert {policy[name] for name in ("default-src", "base-uri", "form-action", "frame-ancestors")} == {"'none'"}
        assert {policy[name] for name in ("script-src", "style-src", "connect-src")} == {"'self'"}
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"
        assert headers.get_list("cache-control") == ["no-cache"]


async def test_a_known_file_is_not_sent_again(shop: Shop) -> None:
    first = await shop.http.get("/static/app.js")
    again = await shop.http.get("/static/app.js", headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["etag"] == first.headers["etag"]
    assert not first.headers["etag"].startswith("W/")
    other = await shop.http.get("/static/app.js", headers={"If-None-Match": '"something-else"'})
    assert other.status_code == 200


async def test_a_file_is_sent_compressed_to_whoever_takes_it(shop: Shop) -> None:
    plain = await shop.http.get("/static/css/base.css", headers={"Accept-Encoding": "identity"})
    async with shop.http.stream("GET", "/static/css/base.css", headers={"Accept-Encoding": "br, gzip"}) as answer:
        raw = b"".join([chunk async for chunk in answer.aiter_raw()])
    assert answer.headers["content-encoding"] == "gzip"
    assert "content-encoding" not in plain.headers
    assert plain.headers["vary"] == answer.headers["vary"] == "Accept-Encoding"
    assert gzip.decompress(raw) == plain.content
    assert answer.headers["etag"] != plain.headers["etag"]


ELSEWHERE = (
    "/static/",
    "/static/nothing.js",
    "/static/../routes.py",
    "/static/%2e%2e/routes.py",
    "/static/..%2froutes.py",
    "/sdk/../package.json",
    "/sdk//etc/passwd",
    "/static/vendor/LICENSE.htm",
)


async def test_only_the_front_is_served(shop: Shop) -> None:
    host, port = shop.url.removeprefix("http://").split(":")
    for path in ELSEWHERE:  # sent as they stand: a client would resolve the dots itself
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(f"GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
        answer = (await reader.read()).decode()
        writer.close()
        assert answer.startswith("HTTP/1.1 404"), path
        assert '"code":"not_found"' in answer


async def test_head_answers_as_get_does(shop: Shop) -> None:
    get, head = await shop.http.get("/"), await shop.http.head("/")
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["etag"] == get.headers["etag"]


async def test_the_pages_are_told_what_the_deployment_offers(shop: Shop) -> None:
    answer = await shop.http.get("/static/config.json")
    assert answer.headers["content-type"] == "application/json"
    assert answer.json() == {
        "demo": False,
        "signTypes": ["ES256", "HMAC-SHA256", "MD5"],
        "refundDays": 0,
        "publicCatalogue": False,
        "topups": False,
    }


async def test_outside_the_demo_there_is_no_signing_lab(shop: Shop) -> None:
    answer = await shop.http.post("/v1/demo/signing-lab", json={})
    assert answer.status_code == 404


PEOPLE = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


async def test_whoever_asks_for_a_page_that_there_is_not_is_shown_one(shop: Shop) -> None:
    for path in ("/nothing", "/products", "/orders/abc/lines", "/v2/cart"):
        for known in ({}, {"If-None-Match": (await shop.http.get("/")).headers["etag"]}):
            answer = await shop.http.get(path, headers={**PEOPLE, **known})
            assert (answer.status_code, answer.headers["content-type"]) == (404, "text/html; charset=utf-8"), path
            assert answer.text == (STATIC / "index.html").read_text(encoding="utf-8")
            assert "script-src 'self'" in answer.headers["content-security-policy"]
            assert answer.headers.get_list("x-content-type-options") == ["nosniff"]


async def test_programs_are_answered_a_problem_and_no_page(shop: Shop) -> None:
    for method, path, accept in (
        ("GET", "/nothing", "*/*"),
        ("GET", "/v1/nothing", PEOPLE["Accept"]),
        ("GET", "/.well-known/nothing", PEOPLE["Accept"]),
        ("GET", "/static/nothing.js", PEOPLE["Accept"]),
        ("POST", "/nothing", PEOPLE["Accept"]),
    ):
        answer = await shop.http.request(method, path, headers={"Accept": accept})
        assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json"), path
        assert answer.json()["code"] == "not_found"
