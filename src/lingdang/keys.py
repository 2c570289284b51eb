"""The keyring: versioned master secrets, from which every key is derived for its one purpose.

The newest active version encrypts and signs; every version that is not retired decrypts and verifies. The file is
re-read when it has changed, so that a rotation reaches running servers by itself (RFC 5869 for the derivation).
"""

import base64
import json
import os
import secrets
import time
from datetime import datetime
from pathlib import Path
from typing import Literal
from uuid import UUID, uuid4

import msgspec
import structlog
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from fasteners import InterProcessLock

from lingdang.clock import system_clock

Purpose = Literal[
    "session-token",
    "session-sign-key",
    "access-link",
    "order-token",
    "receipt",
    "idempotency",
    "api-key",
    "cursor",
    "journal-seal",
    "webhook-secret",
    "events-listen",
    "topup-inbox",
    "sandbox",
]

_RELOAD_SECONDS = 1.0
KNOWN_SECONDS = 2 * _RELOAD_SECONDS
"""So long after a version came into use, every process that reads the file uses it."""

_log = structlog.get_logger(__name__)


class KeyringError(Exception):
    """The keyring file is missing, unreadable or not a keyring. The message names the file."""


class Version(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One master secret: 32 random bytes, from when on it is in use and when it was retired."""

    version: int
    secret: str
    created_at: datetime
    active_at: datetime
    retired_at: datetime | None = None

    @property
    def kid(self) -> str:
        return f"k{self.version}"


class KeyringFile(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The file's content. `deployment` salts every derivation: two shops never share a key."""

    deployment: UUID
    keys: tuple[Version, ...]


class Keyring:
    """Derives keys from the secrets in `path`. Safe to share between tasks of one process."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._stamp: tuple[int, int] = (0, 0)
        self._checked = 0.0
        self._derived: dict[tuple[str, Purpose, int], bytes] = {}
        self._read()

    @property
    def deployment(self) -> UUID:
        return self._file.deployment

    def versions(self) -> tuple[Version, ...]:
        """Every version that is not retired, oldest first."""
        self._refresh(at_once=True)
        return tuple(self._open.values())

    def used_since(self) -> datetime:
        """When the version in use came into use."""
        self._refresh(at_once=True)
        return max(version.active_at for version in self._open.values() if version.active_at <= system_clock())

    def current(self, purpose: Purpose, length: int = 32) -> tuple[str, bytes]:
        """The key id and the key for `purpose` in use now."""
        self._refresh()
        now = time.time()
        while len(self._in_use) > 1 and self._in_use[-2][0] <= now:
            self._in_use.pop()
        kid = self._in_use[-1][1]
        return kid, self._derive(kid, purpose, length)

    def known(self, kid: str, purpose: Purpose, length: int = 32) -> bytes | None:
        """The key that was used under `kid`, or None when there is no such key or it is retired."""
        if kid not in self._open:
            self._refresh(at_once=True)
        elif time.monotonic() - self._checked >= _RELOAD_SECONDS:
            self._refresh()
        if kid not in self._open:
            return None
        derived = self._derived.get((kid, purpose, length))
        return self._derive(kid, purpose, length) if derived is None else derived

    def _derive(self, kid: str, purpose: Purpose, length: int) -> bytes:
        key = self._derived.get((kid, purpose, length))
        if key is None:
            secret = base64.b64decode(self._open[kid].secret)
            info = f"lingdang/{purpose}".encode()
            key = HKDF(SHA256(), length, self.deployment.bytes, info).derive(secret)
            self._derived[kid, purpose, length] = key
        return key

    def _refresh(self, at_once: bool = False) -> None:
        now = time.monotonic()
        if not at_once and now - self._checked < _RELOAD_SECONDS:
            return
        self._checked = now
        try:
            if self._stamp != _stamp(self.path):
                self._read()
        except KeyringError as error:
            # What was loaded stays good; the operator sees why the change is not taken.
            _log.error("keyring_unreadable", reason=str(error))

    def _read(self) -> None:
        stamp = _stamp(self.path)
        content = _load(self.path)
        self._file = content
        self._stamp = stamp
        self._derived.clear()
        self._open = {v.kid: v for v in content.keys if v.retired_at is None}
        newest_first = sorted(self._open.values(), key=lambda v: -v.version)
        self._in_use = _order_of_use(newest_first)


def _order_of_use(newest_first: list[Version]) -> list[tuple[float, str]]:
    """The version in use now (last) and later ones (before it), each with the moment it begins."""
    order: list[tuple[float, str]] = []
    for version in newest_first:
        order.append((version.active_at.timestamp(), version.kid))
        if version.active_at.timestamp() <= time.time():
            break
    return order


def ensure_keyring(named: str | None, data_path: Path) -> Path:
    """The keyring's file: the one that is named, else that of the data directory, which is made at the first use."""
    if named is not None:
        return Path(named).expanduser()
    path = data_path / "keyring.json"
    create_keyring(path, system_clock())
    return path


def create_keyring(path: Path, now: datetime) -> None:
    """Make a keyring with a first random secret at `path`, mode 0600, unless there is one."""
    with _locked(path):
        if not path.exists():
            _save(path, KeyringFile(deployment=uuid4(), keys=(_new_version(1, now, now),)))


def rotate(path: Path, now: datetime, active_at: datetime) -> Version:
    """Add a new secret, in use from `active_at` on; what was made with the older ones is still read."""
    with _locked(path):
        content = _load(path)
        version = _new_version(max(v.version for v in content.keys) + 1, now, active_at)
        _save(path, msgspec.structs.replace(content, keys=(*content.keys, version)))
        return version


def retire(path: Path, number: int, now: datetime) -> Version:
    """Stop opening with version `number`. Raises KeyringError for the last active one or an unknown one."""
    with _locked(path):
        content = _load(path)
        found = next((v for v in content.keys if v.version == number), None)
        if found is None:
            raise KeyringError(f"{path}: there is no key version {number}")
        rest = [v for v in content.keys if v is not found and v.retired_at is None and v.active_at <= now]
        if not rest:
            raise KeyringError(f"{path}: version {number} is the only active one; rotate first")
        retired = msgspec.structs.replace(found, retired_at=found.retired_at or now)
        keys = tuple(retired if v is found else v for v in content.keys)
        _save(path, msgspec.structs.replace(content, keys=keys))
        return retired


def _new_version(number: int, now: datetime, active_at: datetime) -> Version:
    secret = base64.b64encode(secrets.token_bytes(32)).decode()
    return Version(version=number, secret=secret, created_at=now, active_at=active_at)


def _locked(path: Path) -> InterProcessLock:
    return InterProcessLock(path.with_suffix(".lock"))


def _stamp(path: Path) -> tuple[int, int]:
    try:
        status = path.stat()
    except OSError as error:
        raise KeyringError(f"{path}: {error.strerror}") from None
    return status.st_mtime_ns, status.st_ino


def _load(path: Path) -> KeyringFile:
    try:
        content = msgspec.json.decode(path.read_bytes(), type=KeyringFile)
        if all(v.retired_at for v in content.keys):
            raise KeyringError(f"{path}: it holds no key that is not retired")
        if any(len(base64.b64decode(v.secret, validate=True)) < 32 for v in content.keys):
            raise KeyringError(f"{path}: a secret is shorter than 32 bytes")
    except OSError as error:
        raise KeyringError(f"{path}: {error.strerror}") from None
    except (msgspec.MsgspecError, ValueError) as error:
        raise KeyringError(f"{path}: not a keyring: {error}") from None
    return content


def _save(path: Path, content: KeyringFile) -> None:
    """Write through a synced temporary file: a crash leaves the old keyring or the new one, whole."""
    text = json.dumps(msgspec.to_builtins(content), indent=1)
    temporary = path.with_suffix(".new")
    temporary.unlink(missing_ok=True)
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text + "\n")
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
