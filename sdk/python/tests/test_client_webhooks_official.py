"""The official library of Standard Webhooks, the shop's own signing, and this client agree."""

import json
from base64 import b64encode
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from standardwebhooks import Webhook

from lingdang.events.webhooks.signing import new_secret, signed_headers
from lingdang_client import InvalidWebhook, verify_webhook

SECRET = "whsec_" + b64encode(b"the endpoint's shared secret, 32").decode()
BODY = json.dumps(
    {"id": "evt_1", "type": "wallet.low", "time": "2026-11-23T08:00:00Z", "data": {"title": "浮生六记"}}
).encode()


def headers(age: int = 0, body: bytes = BODY) -> dict[str, str]:
    """As the official library signs."""
    sent = datetime.fromtimestamp(int(datetime.now(UTC).timestamp()) - age, UTC)
    return {
        "webhook-id": "msg_1",
        "webhook-timestamp": str(int(sent.timestamp())),
        "webhook-signature": Webhook(SECRET).sign("msg_1", sent, body.decode()),
    }


def test_what_the_official_library_signs() -> None:
    [event] = verify_webhook(BODY, headers(), SECRET)
    assert event.id == Webhook(SECRET).verify(BODY, headers())["id"] == "evt_1"


@pytest.mark.parametrize(
    "make",
    [lambda: headers(body=BODY + b" "), lambda: headers(age=400), lambda: headers(age=-400), dict],
    ids=["body", "old", "new", "none"],
)
def test_what_the_official_library_refuses(make: Callable[[], dict[str, str]]) -> None:
    told = make()
    with pytest.raises(Exception, match=r"(?i)signature|too old|too new|missing"):
        Webhook(SECRET).verify(BODY, told)
    with pytest.raises(InvalidWebhook):
        verify_webhook(BODY, told, SECRET)


def test_what_the_shop_signs_while_secrets_change() -> None:
    old, new, other = new_secret(), new_secret(), new_secret()
    told = signed_headers([new, old], "msg_1", datetime.now(UTC), BODY)
    for secret in (old, new):
        assert verify_webhook(BODY, told, secret.secret) == verify_webhook(BODY, told, secret.public_key)
        assert Webhook(secret.secret).verify(BODY, told)["id"] == "evt_1"
    for wrong in (other.secret, other.public_key):
        with pytest.raises(InvalidWebhook):
            verify_webhook(BODY, told, wrong)
