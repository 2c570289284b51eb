"""A session as its client holds it, and the server's time as far as it is known."""

import time
from collections.abc import Callable
from datetime import datetime
from typing import ClassVar

import msgspec
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from lingdang_client.answers import OpenedSession
from lingdang_client.secrecy import Discreet
from lingdang_client.signing import SignKey, SignType


class Session(Discreet, frozen=True, kw_only=True):
    """Who is signed in and what they sign with."""

    secrets: ClassVar[frozenset[str]] = frozenset({"session_token", "key"})

    cust_id: str
    session_id: str
    session_token: str
    sign_type: SignType
    expires_at: datetime
    key: SignKey

    def dump(self) -> bytes:
        """Everything, secrets too, so that another process can go on with it. Keep it where only its owner reads."""
        private = isinstance(self.key, EllipticCurvePrivateKey)
        return msgspec.json.encode(
            _Dumped(
                cust_id=self.cust_id,
                session_id=self.session_id,
                session_token=self.session_token,
                sign_type=self.sign_type,
                expires_at=self.expires_at,
                sign_key=None if private else str(self.key),
                private_key=_to_pem(self.key) if isinstance(self.key, EllipticCurvePrivateKey) else None,
            )
        )

    @classmethod
    def load(cls, dumped: bytes) -> "Session":
        """The session that `dump` gave. Raises ValueError when it is none."""
        try:
            found = msgspec.json.decode(dumped, type=_Dumped)
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise ValueError(f"not a dumped session: {error}") from None
        key = found.sign_key if found.private_key is None else _from_pem(found.private_key)
        if key is None:
            raise ValueError("not a dumped session: it has no key")
        return cls(
            cust_id=found.cust_id,
            session_id=found.session_id,
            session_token=found.session_token,
            sign_type=found.sign_type,
            expires_at=found.expires_at,
            key=key,
        )


class _Dumped(msgspec.Struct, kw_only=True, rename="camel"):
    cust_id: str
    session_id: str
    session_token: str
    sign_type: SignType
    expires_at: datetime
    sign_key: str | None
    private_key: str | None


def session_of(opened: OpenedSession, private_key: EllipticCurvePrivateKey | None) -> Session:
    """The session that the server opened. Raises ValueError when it gave no key to sign with."""
    key: SignKey | None = private_key if opened.sign_type == "ES256" else opened.sign_key
    if key is None:
        raise ValueError(f"the server opened a {opened.sign_type} session without a key")
    return Session(
        cust_id=opened.cust_id,
        session_id=opened.session_id,
        session_token=opened.session_token,
        sign_type=opened.sign_type,
        expires_at=opened.expires_at,
        key=key,
    )


class ServerClock:
    """The server's time: this machine's, corrected by what the server told of its own."""

    def __init__(self, local: Callable[[], float] = time.time) -> None:
        self._local = local
        self._ahead = 0.0

    def now(self) -> float:
        """The server's Unix seconds, as well as they are known."""
        return self._local() + self._ahead

    def learn(self, server_time: datetime) -> None:
        """Take over the server's time, told just now."""
        self._ahead = server_time.timestamp() - self._local()


def _to_pem(key: EllipticCurvePrivateKey) -> str:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def _from_pem(pem: str) -> EllipticCurvePrivateKey:
    key = load_pem_private_key(pem.encode(), password=None)
    if not isinstance(key, EllipticCurvePrivateKey):
        raise ValueError("not a dumped session: its key is not on an elliptic curve")
    return key
