"""What every answer tells a browser: keep nothing, guess no type, show it in nobody's frame, run nothing."""

from pathlib import Path

import httpx
import pytest

from lingdang.settings import SettingsError, load_settings
from support.buyer import buyer, stock
from support.served import serving
from support.shop import PATIENCE, Shop


async def test_every_answer_forbids_what_it_does_not_need(shop: Shop) -> None:
    stock(shop, "book-1")
    ann = buyer(shop)
    answers = [
        await shop.http.post("/v1/checkout", json={"productIds": ["book-1"]}, headers=ann.headers),
        await shop.http.post("/v1/payments", json={}, headers=ann.headers),
        await ann.get("/v1/wallet"),
        await shop.http.get("/v1/wallet"),
        await shop.http.get("/v1/nothing"),
        await shop.http.get("/healthz"),
        await shop.http.get("/openapi.json"),
        await shop.http.delete("/v1/payments"),
    ]
    assert [answer.status_code for answer in answers] == [200, 400, 200, 401, 404, 200, 200, 405]
    for answer in answers:
        policy = answer.headers["content-security-policy"].split("; ")
        assert {"default-src 'none'", "base-uri 'none'", "frame-ancestors 'none'"} <= set(policy), answer.url
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["cache-control"] == "no-store"
        assert "set-cookie" not in answer.headers
        assert "access-control-allow-origin" not in answer.headers


def test_hsts_is_said_when_it_is_set(tmp_path: Path) -> None:
    said = "max-age=31536000; includeSubDomains"
    with serving(tmp_path / "shop", "--http", hsts=said) as served:
        for path, method in (("/healthz", "GET"), ("/v1/payments", "POST"), ("/", "GET")):
            answer = httpx.request(method, served.url + path, timeout=PATIENCE)
            assert answer.headers.get_list("strict-transport-security") == [said]


@pytest.mark.parametrize("wrong", ["forever", "max-age=1\r\nx: y", "max-age=1; "], ids=["word", "split", "blank"])
def test_no_other_header_is_smuggled_in_by_it(wrong: str) -> None:
    with pytest.raises(SettingsError, match="hsts"):
        load_settings({"LINGDANG_HSTS": wrong})
