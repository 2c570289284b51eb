"""Front ends of other origins: those that are named may ask, and read answers and refusals; the log says why not."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from structlog.testing import capture_logs

from lingdang.keys import Keyring
from lingdang.settings import Settings, SettingsError, load_settings
from support.buyer import buyer, stock
from support.raw import answers
from support.shop import Shop, open_shop

FRONT = "https://front.example"
PREFLIGHT = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization,x-cust-id"}
ROUTES = [
    "/v1/payments",
    "/v1/checkout",
    "/v1/products/book-1",
    "/v1/cart",
    "/v1/sessions",
    "/v1/admin/customers",
    "/x",
]


@pytest.fixture(params=[True, False], ids=["direct", "cycle"])
async def shop(request: pytest.FixtureRequest, database_url: str, keyring: Keyring) -> AsyncIterator[Shop]:
    origins = (FRONT, "http://localhost:5173")
    async with open_shop(database_url, keyring, short_way=request.param, cors_origins=origins) as opened:
        stock(opened, "book-1")
        yield opened


def shared(headers: Any) -> dict[str, str]:
    return {name: value for name, value in headers.items() if name.startswith("access-control-")}


@pytest.mark.parametrize("path", ROUTES)
async def test_a_preflight_of_a_named_origin_is_granted(shop: Shop, path: str) -> None:
    for origin in (FRONT, "http://localhost:5173"):
        answer = await shop.http.options(path, headers={"Origin": origin} | PREFLIGHT)
        assert answer.status_code == 204
        told = shared(answer.headers)
        assert told["access-control-allow-origin"] == origin
        assert "PUT" in told["access-control-allow-methods"]
        assert {"authorization", "x-cust-id", "idempotency-key"} <= set(
            told["access-control-allow-headers"].split(", ")
        )
        assert int(told["access-control-max-age"]) > 0
        assert "access-control-allow-credentials" not in told
        assert "origin" in answer.headers["vary"].lower()


async def test_answers_and_refusals_can_be_read_by_a_named_origin(shop: Shop) -> None:
    ann = buyer(shop)
    own = {"Origin": FRONT} | ann.headers
    for method, path, status in (
        ("GET", "/v1/products/book-1", 200),
        ("GET", "/v1/cart", 200),
        ("HEAD", "/v1/cart", 200),
        ("POST", "/v1/payments", 400),
        ("POST", "/v1/cart", 405),
        ("DELETE", "/v1/payments", 405),
        ("GET", "/v1/nothing", 404),
        ("OPTIONS", "/v1/payments", 405),
    ):
        answer = await shop.http.request(method, path, headers=own)
        assert answer.status_code == status, (method, path)
        told = shared(answer.headers)
        assert told["access-control-allow-origin"] == FRONT
        shown = told["access-control-expose-headers"].split(", ")
        assert {"x-request-id", "retry-after", "idempotent-replayed"} <= set(shown)
        assert "origin" in answer.headers["vary"].lower()
    anonymous = await shop.http.post("/v1/checkout", headers={"Origin": FRONT}, json={"productIds": ["book-1"]})
    assert anonymous.status_code == 401
    assert shared(anonymous.headers)["access-control-allow-origin"] == FRONT


async def test_a_refusal_of_the_server_itself_can_be_read_too(shop: Shop) -> None:
    url = httpx.URL(shop.url)
    reader, writer = await asyncio.open_connection(url.host, url.port)
    head = f"POST /v1/payments HTTP/1.1\r\nHost: x\r\nOrigin: {FRONT}\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"
    writer.write(head.encode())
    (answer,) = answers(await reader.read())
    writer.close()
    assert answer.status == 400
    assert answer.headers["access-control-allow-origin"] == FRONT


@pytest.mark.parametrize(
    "origin",
    ["https://evil.example", "http://front.example", FRONT + ":444", FRONT + ".evil.example", FRONT.upper(), "null"],
)
async def test_another_origin_gets_nothing(shop: Shop, origin: str) -> None:
    for path in ROUTES:
        preflight = await shop.http.options(path, headers={"Origin": origin} | PREFLIGHT)
        answer = await shop.http.get(path, headers={"Origin": origin} | buyer(shop).headers)
        for answered in (preflight, answer):
            assert shared(answered.headers) == {}
            assert "origin" in answered.headers["vary"].lower()
        assert preflight.status_code in (204, 404, 405), "what OPTIONS is answered without any question"


async def test_without_the_setting_the_log_names_it_once(database_url: str, keyring: Keyring) -> None:
    async with open_shop(database_url, keyring) as shop:
        with capture_logs() as logs:
            for _ in range(3):
                answer = await shop.http.options("/v1/payments", headers={"Origin": FRONT} | PREFLIGHT)
                assert answer.status_code == 405
                assert shared(answer.headers) == {}
    told = [entry for entry in logs if entry["event"] == "origin_not_allowed"]
    assert [(entry["origin"], entry["setting"]) for entry in told] == [(FRONT, "LINGDANG_CORS_ORIGINS")]


def test_origins_are_read_from_the_environment() -> None:
    settings = load_settings({"LINGDANG_CORS_ORIGINS": f"{FRONT}, http://localhost:5173,capacitor://localhost"})
    assert settings.cors_origins == (FRONT, "http://localhost:5173", "capacitor://localhost")
    assert load_settings({"LINGDANG_CORS_ORIGINS": ""}) == Settings()


@pytest.mark.parametrize("value", ["*", "front.example", FRONT + "/", FRONT + "/x", "https://*.example", "null"])
def test_what_is_no_origin_is_refused_at_the_start(value: str) -> None:
    with pytest.raises(SettingsError):
        load_settings({"LINGDANG_CORS_ORIGINS": value})
