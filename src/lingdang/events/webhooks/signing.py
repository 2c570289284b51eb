"""Signatures by the Standard Webhooks rules: `v1`, HMAC-SHA256 of a shared secret, and `v1a`, Ed25519.

Signed is `id.timestamp.body`, with the very bytes that are sent. While secrets change, each of them signs.
"""

import base64
import os
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import cached_property

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from standardwebhooks import Webhook

SECRET_BYTES = 32
OCTETS = SECRET_BYTES + 32
"""What a secret is made of: the shared one, and the seed of the private key."""


class Secret:
    """One secret of an endpoint: what it shares with the receiver, and the key whose public half the receiver has."""

    def __init__(self, octets: bytes) -> None:
        assert len(octets) == OCTETS, "a secret is what `new_secret` made"
        self.octets = octets
        self._shared = Webhook(octets[:SECRET_BYTES])
        self._private = Ed25519PrivateKey.from_private_bytes(octets[SECRET_BYTES:])

    @property
    def secret(self) -> str:
        """`whsec_…`, with which the receiver verifies `v1`."""
        return "whsec_" + base64.b64encode(self.octets[:SECRET_BYTES]).decode()

    @cached_property
    def public_key(self) -> str:
        """`whpk_…`, with which anybody verifies `v1a`."""
        return "whpk_" + base64.b64encode(self._private.public_key().public_bytes_raw()).decode()

    def signatures(self, message_id: str, now: datetime, body: bytes) -> list[str]:
        """Both signatures of a message that is sent now."""
        signed = f"{message_id}.{int(now.timestamp())}.".encode() + body
        private = base64.b64encode(self._private.sign(signed)).decode()
        return [self._shared.sign(message_id, now.astimezone(UTC), body.decode()), f"v1a,{private}"]


def new_secret() -> Secret:
    """A secret that nobody has had before."""
    return Secret(os.urandom(OCTETS))


def signed_headers(secrets: Sequence[Secret], message_id: str, now: datetime, body: bytes) -> dict[str, str]:
    """The three headers of a message that is sent now."""
    signatures = [each for secret in secrets for each in secret.signatures(message_id, now, body)]
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": " ".join(signatures),
    }
