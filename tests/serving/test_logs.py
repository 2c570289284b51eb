"""Logs never show a secret, and no value can forge a line."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

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
from support.customers import customer_of
from support.served import Served, eventually, serving
from support.shop import Shop

API_KEY = "ld_0123456789abcdef_" + "aZ_-9" * 8 + "abc"
SIGN_KEY = "aZ_-9" * 8 + "abc"[:2] + "A"
JWT = "eyJhbGciOiJIUzI1NiIsInR5cCI6InNlc3Npb24rand0In0.eyJzdWIiOiJhbm4ifQ.c2lnbmF0dXJl"
ORDER_TOKEN = "eyJhbGciOiJkaXIiLCJraWQiOiIxIn0..aXY.Y2lwaGVydGV4dA.dGFn"
REQUEST_ID = "0123456789abcdef0123456789abcdef"
UUID = "019267d0-2f2c-7d3a-9a54-6a2d0c8e5b11"


def shown(value: object, name: str = "event") -> Any:
    return without_secrets(None, "info", {name: value})[name]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Authorization: Bearer abc.def", "Authorization: [hidden]"),
        ("sent Bearer abc.def twice", "sent Bearer [hidden] twice"),
        ("Basic dXNlcjpwYXNz", "Basic [hidden]"),
        ("postgresql://joe:abc.def@db/shop", "postgresql://joe:[hidden]@db/shop"),
        ("at postgresql://joe:p@ss/w:rd@db/shop now", "at postgresql://joe:[hidden]@db/shop now"),
        ("redis://:abc.def@cache", "redis://:[hidden]@cache"),
        ("host=db password=abc.def user=joe", "host=db password=[hidden] user=joe"),
        ("host=db password='abc \\' ghi' user=joe", "host=db password=[hidden] user=joe"),
        ("host=db password = abc.def user=joe", "host=db password = [hidden] user=joe"),
        (f"token {JWT} expired", "token [hidden] expired"),
        (f"token {ORDER_TOKEN}, twice", "token [hidden], twice"),
        (f"key {API_KEY} unknown", "key ld_0123456789abcdef_[hidden] unknown"),
        (f"signKey {SIGN_KEY} leaked", "signKey [hidden] leaked"),
        (f"ends with {SIGN_KEY}.", "ends with [hidden]."),
        ('{"custId": "ann", "password": "a\\"b c", "n": 1}', '{"custId": "ann", "password": [hidden], "n": 1}'),
        ("{'sessionToken': 'abc', 'custId': 'ann'}", "{'sessionToken': [hidden], 'custId': 'ann'}"),
        ("[(b'authorization', b'abc'), (b'host', b'db')]", "[(b'authorization', b[hidden]), (b'host', b'db')]"),
        ("OpenRequest(sign_type='MD5', password='abc')", "OpenRequest(sign_type='MD5', password=[hidden])"),
        ("Session(sign_key='abc', custId='ann')", "Session(sign_key=[hidden], custId='ann')"),
        ("?custId=ann&sign=ABC&signType=MD5", "?custId=ann&sign=[hidden]&signType=MD5"),
        ("?client_secret=abc&x=1", "?client_secret=[hidden]&x=1"),
        ("stored $argon2id$v=19$m=19456,t=2,p=1$c2FsdA$aGFzaA there", "stored [hidden] there"),
        (
            "-----BEGIN PRIVATE KEY-----\nMC4C\n-----END PRIVATE KEY-----",
            "-----BEGIN PRIVATE KEY-----[hidden]-----END PRIVATE KEY-----",
        ),
        ("-----BEGIN EC PRIVATE KEY-----\nMC4C", "-----BEGIN EC PRIVATE KEY-----[hidden]"),
    ],
)
def test_secrets_are_hidden_by_their_form(text: str, expected: str) -> None:
    for name in ("event", "exception", "error"):
        assert shown(text, name) == expected
    assert shown(text.encode()) == expected
    assert shown(ValueError(text)) == expected
    assert shown([{"texts": (text,)}]) == [{"texts": [expected]}]


@pytest.mark.parametrize(
    "text",
    [
        f"order {UUID} of ann.b:c, productId book-1",
        f"request {REQUEST_ID}, revision 9a4e20c4a4e20c9a4e20c9a4e20c9a4e20c9a4e2",
        "sha256 " + "0123456789abcdef" * 4,
        "auth0|5f7c8ec7c33c6c004bbafe82 and reader@example.org",
        "http://login.example:8443/keys/ann@example.org",
        "postgresql://lingdang@db/shop",
        "ld_reader-17 and EYJAFJALLAJOKULL-1 and eyJafjallajokull-1",
        "sign_type=MD5, signType='MD5', by token, a token is refused: it expired",
        "a-product-with-a-name-of-more-than-forty-three-characters",
        "/v1/products/a-product-with-a-name-of-more-than-forty-three",
    ],
)
def test_what_is_no_secret_stays_readable(text: str) -> None:
    assert shown(text) == text
    assert shown({"text": [text]}) == {"text": [text]}


@pytest.mark.parametrize("name", ["request_id", "session", "checkpoint", "key_id"])
@pytest.mark.parametrize("value", [REQUEST_ID, UUID, JWT, SIGN_KEY, "Bearer-of-news=1"])
def test_fields_that_are_never_secret_are_shown_as_they_are(name: str, value: str) -> None:
    assert shown(value, name) == value


def test_a_field_that_names_something_hides_a_secret_that_was_put_there() -> None:
    for name in ("customer", "path", "route", "reason", "name"):
        assert shown(API_KEY, name) == "ld_0123456789abcdef_[hidden]"
        assert shown(JWT[:128], name) == "[hidden]"
        assert shown("ann@example.org", name) == "ann@example.org"
        thumbprint = "FJ86GcF3jTbNLOco4NvZkUCIUmfYCqoqtOQeMfbhNlE"
        assert shown(f"key {thumbprint} of the platform", name) == f"key {thumbprint} of the platform"


def test_secrets_are_hidden_by_their_name() -> None:
    event = {
        "event": "signed in",
        "password": "short",
        "body": {"signKey": "k", "sign": "s", "orderToken": "t", "custId": "ann", "signType": "MD5"},
        "headers": [{"authorization": "x"}, ("Cookie", "x"), (b"authorization", b"x"), ("host", "db")],
        "database_url": "postgresql://db",
        "token": 17,
        "client_secret": b"x",
        "nested": {API_KEY: {"secret": None}},
        "sign_type": "MD5",
        "count": 3,
    }
    assert without_secrets(None, "info", event) == {
        "event": "signed in",
        "password": HIDDEN,
        "body": {"signKey": HIDDEN, "sign": HIDDEN, "orderToken": HIDDEN, "custId": "ann", "signType": "MD5"},
        "headers": [{"authorization": HIDDEN}, ["Cookie", HIDDEN], ["authorization", HIDDEN], ["host", "db"]],
        "database_url": HIDDEN,
        "token": HIDDEN,
        "client_secret": HIDDEN,
        "nested": {"ld_0123456789abcdef_[hidden]": {"secret": HIDDEN}},
        "sign_type": "MD5",
        "count": 3,
    }


@pytest.mark.parametrize(
    "text",
    [
        "-a" * 40_000,
        "a://b:" * 20_000,
        "token" * 20_000,
        "'password': \"" + "\\" * 80_000,
        "eyJ" * 30_000,
        "bearer " * 20_000,
    ],
)
def test_no_text_takes_long(text: str) -> None:
    """Time that grows with the square of the length would be minutes, and this test never end."""
    assert shown(text) is not None


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


@pytest.mark.slow
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


@pytest.mark.slow
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
    secrets = ["demo-password-1", "Basic c2VjcmV0OnNlY3JldA", API_KEY]
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
            issued = sessions.issue(customer_of("ann"), sign_type, None, system_clock())
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


_LIBRARIES_SPEAK = """
import logging
from lingdang.serving.logs import configure_logging
from lingdang.settings import Settings
configure_logging(Settings(log_level="LEVEL"), "worker-1")
for name in ("stripe", "httpx"):
    logging.getLogger(name).info("%s: GET https://api.example/v1/payments/pi_1", name)
"""


@pytest.mark.parametrize(("level", "lines"), [("info", 0), ("debug", 2)])
def test_libraries_tell_of_every_call_at_debug_level_alone(level: str, lines: int) -> None:
    ran = subprocess.run(
        [sys.executable, "-c", _LIBRARIES_SPEAK.replace("LEVEL", level)], capture_output=True, text=True, check=True
    )
    assert ran.stderr.count("https://api.example") == lines


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has a disk that is always full")
def test_a_full_disk_takes_no_log_and_stops_nobody() -> None:
    with Path("/dev/full").open("w") as full:
        ran = subprocess.run(
            [sys.executable, "-c", _LOGS_AND_GOES_ON], stdout=subprocess.PIPE, stderr=full, check=False
        )
    assert ran.stdout == b"goes on\n"
