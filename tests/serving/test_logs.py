"""Logs never show a secret, and no value can forge a line."""

import json
import subprocess
import sys
from pathlib import Path

import httpx
import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lingdang.clock import system_clock
from lingdang.identity.sessions import Sessions
from lingdang.keys import Keyring
from lingdang.serving.logs import HIDDEN, without_secrets
from lingdang.settings import SignType
from support.buyer import Buyer
from support.served import Served, eventually, serving
from support.shop import Shop


@pytest.mark.parametrize(
    "text",
    [
        "Authorization: Bearer abc.def",
        "Basic dXNlcjpwYXNz",
        "postgresql://joe:abc.def@db/shop",
        "host=db password=abc.def user=joe",
        "host=db password='abc.def ghi' user=joe",
        "token eyJhbGciOiJkaXIifQ..abc.def",
        "key ld_abcdefgh-abc.def"[:-4],
        "sign 0123456789abcdef0123456789ABCDEF",
        "sign " + "A1" * 32,
        "signKey " + "aZ_-9" * 9,
    ],
)
def test_secrets_are_hidden_by_their_look(text: str) -> None:
    shown = str(without_secrets(None, "info", {"event": text})["event"])
    assert HIDDEN in shown
    for secret in ("abc.def", "ghi'", "dXNlcjpw", "eyJ", "ld_", "0123456789", "A1A1", "aZ_-9"):
        assert secret not in shown


def test_secrets_are_hidden_by_their_name() -> None:
    event = {
        "event": "signed in",
        "password": "short",
        "body": {"signKey": "k", "sign": "s", "orderToken": "t", "custId": "ann"},
        "headers": [{"authorization": "x"}],
    }
    shown = json.dumps(without_secrets(None, "info", dict(event)))
    assert "ann" in shown
    for secret in ('"short"', '"k"', '"s"', '"t"', '"x"'):
        assert secret not in shown


def test_ids_stay_readable() -> None:
    text = "order 019267d0-2f2c-7d3a-9a54-6a2d0c8e5b11 of ann.b:c, productId book-1"
    assert without_secrets(None, "info", {"event": text})["event"] == text


@given(st.text())
def test_no_value_makes_a_second_line(text: str) -> None:
    shown = str(without_secrets(None, "info", {"event": text})["event"])
    assert len(shown.splitlines()) <= 1
    assert not any(ord(character) < 32 or 0x7F <= ord(character) < 0xA0 for character in shown)


@given(st.text())
def test_lines_of_a_traceback_are_set_in(text: str) -> None:
    lines = str(without_secrets(None, "error", {"exception": text})["exception"]).split("\n")
    assert all(line.startswith("    ") for line in lines[1:])
    assert all(len(line.splitlines()) <= 1 for line in lines)


@pytest.mark.parametrize("log_format", ["json", "console"])
async def test_a_served_shop_s_log_at_debug_level_holds_no_secret(tmp_path: Path, log_format: str) -> None:
    data_dir = tmp_path / "shop"
    options = {"log_level": "debug", "log_format": log_format, "access_log": "true"}
    with serving(data_dir, "--http", **options) as served:
        secrets = await _use(served)
        with served.client() as client:
            forged = client.get("/v1/products/%0a%7B%22event%22:%22forged%22%7D")
            assert forged.status_code in (400, 404)
        eventually(lambda: "forged" in served.errors())
    log = served.errors()
    assert "/v1/payments" in log
    secrets += [key["secret"] for key in json.loads((data_dir / "keyring.json").read_text())["keys"]]
    assert [secret for secret in secrets if secret in log] == []
    if log_format == "json":
        events = [json.loads(line) for line in log.splitlines()]
        assert "forged" not in {event["event"] for event in events}
        assert all(event["request_id"] for event in events if event["event"] == "request")


@pytest.mark.parametrize(("trusted", "client"), [(None, "127.0.0.1"), ("127.0.0.1", "203.0.113.9")])
def test_forwarded_address_is_believed_of_a_trusted_proxy_alone(
    tmp_path: Path, trusted: str | None, client: str
) -> None:
    options = {"access_log": "true"} | ({"trusted_proxies": trusted} if trusted else {})
    with serving(tmp_path / "shop", "--http", **options) as served:
        httpx.get(f"{served.url}/healthz", headers={"X-Forwarded-For": "203.0.113.9"})
        eventually(lambda: "/healthz" in served.errors())
    requests = [json.loads(line) for line in served.errors().splitlines() if "/healthz" in line]
    assert {request["client"] for request in requests} == {client}


async def _use(served: Served) -> list[str]:
    """Requests that succeed and that fail; returns every secret that they carried."""
    url = served.database_url()
    keyring = Keyring(served.data_dir / "keyring.json")
    secrets = ["demo-password-1", "Basic c2VjcmV0OnNlY3JldA", "ld_secret-api-key-0123456789"]
    sign_types: tuple[SignType, ...] = ("MD5", "HMAC-SHA256")
    sessions = Sessions(keyring, 1, sign_types, 600)
    async with httpx.AsyncClient(base_url=served.url) as http:
        shop = Shop(served.url, url, keyring, http, sessions)
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(
                "INSERT INTO product (product_id, title, currency, price, list_price, publisher,"
                " created_at, updated_at) VALUES ('b1', 'Title', 'BELL', 1, 1, 'P', now(), now())"
            )
        for sign_type in sign_types:
            issued = sessions.issue("ann", sign_type, None, system_clock())
            ann = Buyer(shop, "ann", issued.session_token, sign_type, issued.sign_key)
            order = await ann.checkout("b1")
            body = ann.payment(order["orderToken"], ["b1"])
            assert (await ann.send(body)).status_code == 402
            assert (await ann.send({**body, "sign": body["sign"][::-1]})).status_code == 403
            assert (await ann.send({**body, "surplus": 1})).status_code == 400
            assert issued.sign_key is not None
            secrets += [issued.session_token, issued.sign_key, order["orderToken"], body["sign"]]
        await http.post("/v1/sessions", json={"custId": "ann", "password": secrets[0], "signType": "MD5"})
        for wrong in secrets[1:3]:
            await http.get("/v1/cart", headers={"Authorization": wrong, "X-Cust-Id": "ann"})
            await http.get("/v1/admin/orders", headers={"Authorization": f"Bearer {wrong}"})
    return secrets


_LOGS_AND_GOES_ON = """
import structlog
from lingdang.serving.logs import configure_logging
from lingdang.settings import Settings
configure_logging(Settings(), "worker-1")
for number in range(1000):
    structlog.get_logger().error("a_line_that_does_not_fit", number=number)
print("goes on")
"""


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has a disk that is always full")
def test_a_full_disk_takes_no_log_and_stops_nobody() -> None:
    with Path("/dev/full").open("w") as full:
        ran = subprocess.run(
            [sys.executable, "-c", _LOGS_AND_GOES_ON], stdout=subprocess.PIPE, stderr=full, check=False
        )
    assert ran.stdout == b"goes on\n"
