"""Signatures that others verify: the libraries of Standard Webhooks, and a verifier made from its specification."""

import base64
import json
from datetime import datetime
from pathlib import Path

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from standardwebhooks import Webhook
from standardwebhooks.webhooks import WebhookVerificationError

from lingdang.clock import system_clock
from lingdang.events.webhooks.signing import Secret, new_secret, signed_headers
from tools.node import fetch, run

BODY = '[{"id":"evt_1","type":"order.paid","data":{"title":"浮生六记 — \\u2028"}}]'.encode()
OFFICIAL = "standardwebhooks@1.1.1"
VERIFY = """
const { Webhook } = require("standardwebhooks");
const asked = JSON.parse(require("fs").readFileSync(0, "utf8"));
for (const secret of asked.secrets) new Webhook(secret).verify(asked.body, asked.headers);
let refused = 0;
const other = { ...asked.headers, "webhook-id": "evt_2" };
for (const [body, headers] of [[asked.body + " ", asked.headers], [asked.body, other]])
  try { new Webhook(asked.secrets[0]).verify(body, headers); } catch { refused += 1; }
console.log(refused);
"""


def verifies_v1a(public_key: str, headers: dict[str, str], body: bytes) -> bool:
    """As the specification has it: any of the signatures `v1a`, over id, timestamp and body."""
    key = Ed25519PublicKey.from_public_bytes(base64.b64decode(public_key.removeprefix("whpk_")))
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    for signature in headers["webhook-signature"].split(" "):
        version, _, text = signature.partition(",")
        try:
            if version == "v1a":
                key.verify(base64.b64decode(text), signed)
                return True
        except InvalidSignature:
            continue
    return False


@pytest.fixture(scope="module")
def rotated() -> tuple[list[Secret], dict[str, str], datetime]:
    """A message during a rotation, signed by the new secret and by the one before."""
    secrets, now = [new_secret(), new_secret()], system_clock()
    return secrets, signed_headers(secrets, "evt_1", now, BODY), now


Rotated = tuple[list[Secret], dict[str, str], datetime]


def test_the_official_library_verifies_each_secret_of_a_rotation(rotated: Rotated) -> None:
    secrets, headers, _ = rotated
    for secret in secrets:
        assert Webhook(secret.secret).verify(BODY, headers) == json.loads(BODY)
    with pytest.raises(WebhookVerificationError):
        Webhook(new_secret().secret).verify(BODY, headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(secrets[0].secret).verify(BODY + b" ", headers)


def test_public_keys_verify_by_the_specification(rotated: Rotated) -> None:
    secrets, headers, _ = rotated
    for secret in secrets:
        assert verifies_v1a(secret.public_key, headers, BODY)
        assert not verifies_v1a(secret.public_key, headers, BODY + b" ")
        assert not verifies_v1a(secret.public_key, {**headers, "webhook-timestamp": "1"}, BODY)
        assert not verifies_v1a(secret.public_key, {**headers, "webhook-id": "evt_2"}, BODY)
    assert not verifies_v1a(new_secret().public_key, headers, BODY)


def test_headers_are_as_the_specification_has_them(rotated: Rotated) -> None:
    secrets, headers, now = rotated
    assert headers["webhook-timestamp"] == str(int(now.timestamp()))
    kinds = [signature.partition(",")[0] for signature in headers["webhook-signature"].split(" ")]
    assert kinds == ["v1", "v1a", "v1", "v1a"]
    assert len(base64.b64decode(secrets[0].secret.removeprefix("whsec_"))) == 32
    assert len(base64.b64decode(secrets[0].public_key.removeprefix("whpk_"))) == 32


@pytest.mark.slow
def test_the_library_of_npm_verifies_too(rotated: Rotated, tmp_path: Path) -> None:
    secrets, headers, _ = rotated
    assert fetch(tmp_path, OFFICIAL)
    (tmp_path / "verify.js").write_text(VERIFY, encoding="utf-8")
    asked = {"secrets": [secret.secret for secret in secrets], "headers": headers, "body": BODY.decode()}
    (tmp_path / "asked.json").write_text(json.dumps(asked), encoding="utf-8")
    done = run(tmp_path, "sh", "-c", "node verify.js < asked.json")
    assert (done.stdout, done.stderr) == ("2\n", "")
