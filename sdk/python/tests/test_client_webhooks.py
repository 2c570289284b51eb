"""A webhook is believed only when it was signed with the endpoint's secret, just now, byte for byte."""

import hmac
import json
from base64 import b64encode
from datetime import UTC, datetime
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from lingdang_client import Event, InvalidWebhook, WalletLow, verify_webhook

NOW = 1_795_430_400
SHARED = b"the endpoint's shared secret, 32"
SECRET = "whsec_" + b64encode(SHARED).decode()
OTHER = b"another endpoint's shared secret"
KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
PUBLIC = "whpk_" + b64encode(KEY.public_key().public_bytes_raw()).decode()
LOW: dict[str, Any] = {
    "id": "evt_1",
    "type": "wallet.low",
    "time": "2026-11-23T08:00:00Z",
    "custId": "ann",
    "seq": 3,
    "position": "17",
    "data": {"currency": "BELL", "balance": 9, "threshold": 10, "added": "by a newer shop"},
    "added": "by a newer shop",
}
BODY = json.dumps(LOW, indent=1).encode()


def v1(body: bytes = BODY, shared: bytes = SHARED, sent: int = NOW) -> str:
    return "v1," + b64encode(hmac.digest(shared, f"msg_1.{sent}.".encode() + body, "sha256")).decode()


def v1a(body: bytes = BODY, sent: int = NOW) -> str:
    return "v1a," + b64encode(KEY.sign(f"msg_1.{sent}.".encode() + body)).decode()


def headers(*signatures: str, sent: Any = NOW) -> dict[str, str]:
    return {"Webhook-Id": "msg_1", "webhook-timestamp": str(sent), "WEBHOOK-SIGNATURE": " ".join(signatures)}


def verified(told: dict[str, str], body: bytes = BODY, secret: str = SECRET, now: float = NOW) -> list[Event]:
    return verify_webhook(body, told, secret, now=now)


@pytest.mark.parametrize(
    ("signatures", "secret"),
    [
        ([v1()], SECRET),
        ([v1(shared=OTHER), v1()], SECRET),
        ([v1(), v1a()], PUBLIC),
        (["v2,AAAA", "v1,no-base64", "v1", "", v1()], SECRET),
    ],
    ids=["v1", "while secrets change", "v1a", "versions to come"],
)
def test_what_the_shop_signed(signatures: list[str], secret: str) -> None:
    [event] = verified(headers(*signatures), secret=secret)
    assert (event.id, event.type, event.cust_id, event.seq, event.position) == ("evt_1", "wallet.low", "ann", 3, "17")
    assert event.data == WalletLow(currency="BELL", balance=9, threshold=10)
    assert event.time == datetime(2026, 11, 23, 8, tzinfo=UTC)


def test_a_batch_a_thin_event_and_those_of_a_newer_shop() -> None:
    thin = {name: value for name, value in LOW.items() if name != "data"}
    unknown = {"id": "evt_3", "type": "moon.full", "time": LOW["time"], "erased": "x", "data": {"size": 1}}
    changed = LOW | {"data": {"currency": "BELL", "below": 10}}
    body = json.dumps([LOW, thin | {"id": "evt_2"}, unknown, changed]).encode()
    one, two, three, four = verified(headers(v1(body)), body)
    assert (one.id, two.id, two.data) == ("evt_1", "evt_2", None)
    assert (three.position, three.cust_id, three.erased, three.data) == (None, None, "x", {"size": 1})
    assert four.data == {"currency": "BELL", "below": 10}


@pytest.mark.parametrize("secret", [SECRET, PUBLIC])
@pytest.mark.parametrize(
    "signatures",
    [
        [v1(shared=OTHER)],
        [v1(BODY + b" ")],
        [v1(sent=NOW + 1)],
        [v1().replace("v1,", "v1a,")],
        [v1a().replace("v1a,", "v1,")],
        [v1()[:-4]],
        [v1() + "="],
        ["v1a," + "A" * 86 + "=="],
        ["v1,"],
        [""],
    ],
    ids=str,
)
def test_other_signatures_are_refused(signatures: list[str], secret: str) -> None:
    with pytest.raises(InvalidWebhook, match="signature of it was made with this secret"):
        verified(headers(*signatures), secret=secret)


@pytest.mark.parametrize("secret", [SECRET, PUBLIC])
def test_bytes_are_taken_as_they_were_received(secret: str) -> None:
    """Parsed and written anew, the same event is another body."""
    told = headers(v1(), v1a())
    assert verified(told, secret=secret)
    with pytest.raises(InvalidWebhook):
        verified(told, json.dumps(json.loads(BODY)).encode(), secret)
    with pytest.raises(TypeError, match="before any parsing"):
        verify_webhook(LOW, told, secret, now=NOW)  # type: ignore[arg-type]


@pytest.mark.parametrize("secret", [SECRET, PUBLIC])
@pytest.mark.parametrize(("late", "believed"), [(-301, False), (-300, True), (300, True), (301, False)])
def test_five_minutes_either_way(late: int, believed: bool, secret: str) -> None:
    told = headers(v1(), v1a())
    if believed:
        assert verified(told, secret=secret, now=NOW + late)
        return
    with pytest.raises(InvalidWebhook, match=r"301 s (ago|from now) by this machine's clock"):
        verified(told, secret=secret, now=NOW + late)


@pytest.mark.parametrize("sent", ["", "now", "1e9", "-1", "1795430400.5", "١٧٩٥٤٣٠٤٠٠", "9" * 40])
def test_a_timestamp_is_whole_seconds(sent: str) -> None:
    signed = f"msg_1.{sent}.".encode() + BODY
    with pytest.raises(InvalidWebhook, match="whole seconds"):
        verified(headers("v1a," + b64encode(KEY.sign(signed)).decode(), sent=sent), secret=PUBLIC)


@pytest.mark.parametrize("name", ["webhook-id", "webhook-timestamp", "webhook-signature"])
def test_a_header_that_is_no_text_is_not_genuine(name: str) -> None:
    """As a server hands over bytes that it could not decode."""
    with pytest.raises(InvalidWebhook):
        verified(headers(v1()) | {name: "v1,\udcff"})


@pytest.mark.parametrize("name", ["Webhook-Id", "webhook-timestamp", "WEBHOOK-SIGNATURE"])
def test_a_header_that_is_missing_is_named(name: str) -> None:
    told = {each: value for each, value in headers(v1()).items() if each != name}
    with pytest.raises(InvalidWebhook, match=f"{name.lower()} is missing"):
        verified(told)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{}",
        b"[1]",
        b"\xff",
        b'"event"',
        b'{"id": "evt_1", "type": "moon.full"}',
        json.dumps(LOW | {"data": [1]}).encode(),
    ],
)
def test_what_is_signed_and_no_event(body: bytes) -> None:
    with pytest.raises(InvalidWebhook, match="no event"):
        verified(headers(v1a(body)), body, PUBLIC)


@pytest.mark.parametrize("secret", ["", "whsec_", "whsec_é", "whpk_AAAA", "whsec", SECRET[6:], f"whpk_{SECRET[6:]}="])
def test_what_is_no_secret(secret: str) -> None:
    with pytest.raises(ValueError, match="whsec_"):
        verified(headers(v1()), secret=secret)
