"""Payments under way, kept before anything is sent, so that a crash ends in a repeat of the same order."""

import contextlib
import os
import tempfile
from pathlib import Path
from typing import ClassVar, Protocol
from uuid import UUID

import msgspec

from lingdang_client.answers import Offer
from lingdang_client.errors import StoreError
from lingdang_client.secrecy import Discreet
from lingdang_client.signing import SignType


class PendingPayment(Discreet, frozen=True, kw_only=True, rename="camel"):
    """An offer that its customer confirmed in a session: all of the signed request but the session's own token.

    `timestamp` is in Unix seconds.
    """

    secrets: ClassVar[frozenset[str]] = frozenset({"nonce", "sign"})

    cust_id: str
    session_id: str
    offer: Offer
    nonce: str
    timestamp: int
    sign_type: SignType
    sign: str


class OfferStore(Protocol):
    """Where payments under way are kept. `put` returns when they are durable. All may raise StoreError."""

    def put(self, pending: PendingPayment) -> None:
        """Keep a payment in place of an earlier one of the same order."""

    def get(self, order_id: str) -> PendingPayment | None:
        """The payment of an order, or None."""

    def all(self) -> list[PendingPayment]:
        """Every payment that is kept, oldest order first."""

    def remove(self, order_id: str) -> None:
        """Forget a payment, if it is there."""


class MemoryOfferStore:
    """Keeps payments as long as the process lives: safe against lost connections, not against crashes."""

    def __init__(self) -> None:
        self._kept: dict[str, PendingPayment] = {}

    def put(self, pending: PendingPayment) -> None:
        self._kept[pending.offer.order_id] = pending

    def get(self, order_id: str) -> PendingPayment | None:
        return self._kept.get(order_id)

    def all(self) -> list[PendingPayment]:
        return [self._kept[order_id] for order_id in sorted(self._kept)]

    def remove(self, order_id: str) -> None:
        self._kept.pop(order_id, None)


class FileOfferStore:
    """Keeps each payment in a file of one directory, readable by its owner alone, whole or not at all.

    Several customers may share a directory: each finds their own. Two shops may not: give each its own.
    """

    def __init__(self, directory: str | Path) -> None:
        self._directory = Path(directory)
        try:
            self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise StoreError(f"cannot make {self._directory}: {error.strerror}") from error

    def put(self, pending: PendingPayment) -> None:
        path = self._path(pending.offer.order_id)
        try:
            _write(path, msgspec.json.encode(pending))
        except OSError as error:
            raise StoreError(f"cannot write {path}: {error.strerror}") from error

    def get(self, order_id: str) -> PendingPayment | None:
        path = self._path(order_id)
        return _read(path)

    def all(self) -> list[PendingPayment]:
        found = [_read(path) for path in sorted(self._directory.glob("*.json"))]
        return [pending for pending in found if pending is not None]

    def remove(self, order_id: str) -> None:
        path = self._path(order_id)
        try:
            path.unlink(missing_ok=True)
            _sync(self._directory)
        except OSError as error:
            raise StoreError(f"cannot remove {path}: {error.strerror}") from error

    def _path(self, order_id: str) -> Path:
        """The order's file. The id becomes a file name only as the UUID that it is."""
        try:
            return self._directory / f"{UUID(order_id)}.json"
        except ValueError:
            raise StoreError(f"not an order id: {order_id!r}") from None


def _read(path: Path) -> PendingPayment | None:
    try:
        return msgspec.json.decode(path.read_bytes(), type=PendingPayment)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise StoreError(f"cannot read {path}: {error.strerror}") from error
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise StoreError(f"{path} does not hold a payment: {error}") from None


def _write(path: Path, content: bytes) -> None:
    """Durable when it returns; a crash at any moment leaves the old file or the new one."""
    descriptor, name = tempfile.mkstemp(dir=path.parent, suffix=".new")  # made with mode 0600
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            Path(name).unlink()
        raise
    _sync(path.parent)


def _sync(directory: Path) -> None:
    """Make the directory's own entries durable, where the system has that."""
    if os.name != "posix":
        return
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
