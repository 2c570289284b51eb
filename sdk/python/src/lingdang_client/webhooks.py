"""What a shop's webhooks bring, verified: Standard Webhooks, with signatures `v1` (HMAC-SHA256) and `v1a` (Ed25519)."""

import hmac
import time
from base64 import b64decode
from collections.abc import Callable, Mapping

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from lingdang_client.errors import InvalidWebhook
from lingdang_client.events import Event, Told

TOLERANCE_SECONDS = 300
"""How far a message's time may be from the receiver's clock, either way: who sends an old one again is refused."""

_MOST_SIGNATURES = 20
_Holds = Callable[[bytes, bytes], bool]
"""Whether a signature holds for what was signed."""


def verify_webhook(payload: bytes, headers: Mapping[str, str], secret: str, *, now: float | None = None) -> list[Event]:
    """The events of a request that the shop sent: one, or several from an endpoint with batches.

    `payload` is the body's bytes as they were received, before any parsing. `secret` is the endpoint's `whsec_…`, or
    its public key `whpk_…`; while the shop changes them, messages are signed with both. `now` is in Unix seconds.
    Raises InvalidWebhook, and ValueError for what is no secret.
    """
    if not isinstance(payload, bytes | bytearray | memoryview):
        raise TypeError("payload is the body's bytes as they were received, before any parsing")
    version, holds = _verifier(secret)
    told = {name.lower(): value for name, value in headers.items()}
    message_id, sent, signatures = (_header(told, f"webhook-{name}") for name in ("id", "timestamp", "signature"))
    signed = _encoded(f"{message_id}.{sent}.") + payload
    # Every one is looked at, so that the time tells nothing of which of them holds.
    if True not in [holds(signature, signed) for signature in _signatures(signatures, version)]:
        raise InvalidWebhook(
            f"no {version} signature of it was made with this secret: is it this endpoint's, "
            "and is the body as it was received?"
        )
    _check_age(sent, time.time() if now is None else now)
    return _events(bytes(payload))


def _verifier(secret: str) -> tuple[str, _Holds]:
    """The version of the signatures that this secret verifies, and how."""
    if secret.startswith("whsec_"):
        shared = _of_base64(secret.removeprefix("whsec_"))
        if shared:
            return "v1", lambda signature, signed: hmac.compare_digest(signature, hmac.digest(shared, signed, "sha256"))
    if secret.startswith("whpk_"):
        public = _of_base64(secret.removeprefix("whpk_"))
        if public and len(public) == 32:
            return "v1a", _holds_by(Ed25519PublicKey.from_public_bytes(public))
    raise ValueError("a secret is `whsec_` or a public key `whpk_`, each with base64 behind it")


def _holds_by(key: Ed25519PublicKey) -> _Holds:
    def holds(signature: bytes, signed: bytes) -> bool:
        try:
            key.verify(signature, signed)
        except InvalidSignature:
            return False
        return True

    return holds


def _header(headers: Mapping[str, str], name: str) -> str:
    try:
        return headers[name]
    except KeyError:
        raise InvalidWebhook(f"its header {name} is missing") from None


def _encoded(text: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError:
        raise InvalidWebhook("its webhook-id or webhook-timestamp is no text") from None


def _signatures(header: str, version: str) -> list[bytes]:
    """Those of a version; what is none is passed over, and so are versions that are yet to come."""
    parts = [part.partition(",") for part in header.split(" ")[:_MOST_SIGNATURES]]
    found = [_of_base64(signature) for name, _, signature in parts if name == version]
    return [signature for signature in found if signature is not None]


def _of_base64(text: str) -> bytes | None:
    try:
        return b64decode(text, validate=True)
    except ValueError:
        return None


def _check_age(sent: str, now: float) -> None:
    if not (sent.isascii() and sent.isdigit() and len(sent) <= 12):
        raise InvalidWebhook("its webhook-timestamp is not in whole seconds")
    age = round(now - int(sent))
    if abs(age) > TOLERANCE_SECONDS:
        when = f"{age} s ago" if age > 0 else f"{-age} s from now"
        raise InvalidWebhook(f"it was sent {when} by this machine's clock, and {TOLERANCE_SECONDS} s are allowed")


def _events(payload: bytes) -> list[Event]:
    try:
        told = msgspec.json.decode(payload, type=Told | list[Told])
        return [each.read() for each in (told if isinstance(told, list) else [told])]
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise InvalidWebhook(f"its body is no event: {error}") from None
