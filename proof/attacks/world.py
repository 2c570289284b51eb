"""A shop's keys, and customers with sessions, made from a seed."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey

from lingdang.checkout.offer import Offer, encode_offer
from lingdang.clock import Clock
from lingdang.identity.session import Session
from lingdang.keys import Keyring
from lingdang.ledger.lines import Line, UsedVoucher
from lingdang.settings import SIGN_TYPES, SignType
from proof.attacks.dotted import encoded
from proof.attacks.minting import NOW, jwe, jws_signature, keyed_digest, keyring, p256_key, session_jws, uuid
from proof.shop import sessions_by

CUSTOMERS = ("ann", "bob", "tenant:ann-1")
"""The first one's key is 1."""
KIDS = ("k2", "k3")
"""Those that open; `k1` is retired."""

_HOUR = 3600


@dataclass(frozen=True)
class Holder:
    """A customer's session, with all that the customer's client has."""

    token: str
    session: Session
    private_key: EllipticCurvePrivateKey | None

    def __repr__(self) -> str:
        return f"<{self.session.sign_type} session {self.session.session_id} of {self.cust_id}>"

    @property
    def cust_id(self) -> str:
        return self.session.cust_id

    def sign(self, message: str) -> str:
        """A signature of the session's type."""
        if self.private_key is not None:
            return encoded(jws_signature(self.private_key, message.encode()))
        assert self.session.sign_key is not None, "a keyed session"
        return keyed_digest(self.session.sign_type, self.session.sign_key, message)


class World:
    """`keys` is the shop's keyring, `before` the same before a version was retired, `elsewhere` another shop's."""

    def __init__(self, seed: str, folder: Path) -> None:
        rng = Random(f"{seed}/world")
        self.rng = rng
        self.keys = keyring(folder / "keyring.json", Random(f"{seed}/keyring"), retired=1)
        self.before = keyring(folder / "before.json", Random(f"{seed}/keyring"))
        self.elsewhere = keyring(folder / "elsewhere.json", Random(f"{seed}/elsewhere"))
        self.clock: Clock = lambda: NOW
        self.sessions = sessions_by(self.keys)
        self.holders = [self._holder(c, t, kid) for t in SIGN_TYPES for c in CUSTOMERS for kid in KIDS]

    def of_type(self, sign_type: SignType) -> list[Holder]:
        """The sessions that sign so: each customer has two."""
        return [holder for holder in self.holders if holder.session.sign_type == sign_type]

    def _holder(self, cust_id: str, sign_type: SignType, kid: str) -> Holder:
        key = p256_key(self.rng) if sign_type == "ES256" else None
        token = session_jws(self.keys, kid, claims(self.rng, cust_id, sign_type, key))
        return Holder(token, self.sessions.authenticate(f"Bearer {token}", cust_id, NOW), key)


def claims(
    rng: Random, cust_id: str, sign_type: str, key: EllipticCurvePrivateKey | None, ends: int = _HOUR
) -> Mapping[str, Any]:
    """What a session token says; it lapses so many seconds from now."""
    now = int(NOW.timestamp())
    said: dict[str, Any] = {
        "sub": cust_id,
        "cus": 1 + CUSTOMERS.index(cust_id),
        "sid": str(uuid(rng)),
        "sig": sign_type,
        "iat": now - _HOUR,
        "exp": now + ends,
    }
    if key is not None:
        numbers = key.public_key().public_numbers()
        said["point"] = {"x": encoded(numbers.x.to_bytes(32, "big")), "y": encoded(numbers.y.to_bytes(32, "big"))}
    return said


def offer(rng: Random, session: Session) -> Offer:
    """A priced order of one to four books, now and then with a voucher."""
    lines = tuple(
        Line(f"book-{number}", f"Title {number} 铃铛", "Penguin", 120, 100, 10)
        for number in rng.sample(range(1, 10), rng.randrange(1, 5))
    )
    total = 90 * len(lines)
    vouchers = (UsedVoucher(str(uuid(rng)), 10 * len(lines)),) if rng.random() < 0.5 else ()
    return Offer(
        order_id=uuid(rng),
        customer=session.owner.customer,
        session_id=session.session_id,
        currency="BELL",
        lines=lines,
        vouchers=vouchers,
        subtotal=100 * len(lines),
        discount=10 * len(lines),
        total=total,
        issued_at=NOW,
        expires_at=NOW.replace(minute=15),
    )


def order_token(keys: Keyring, rng: Random, kid: str, sold: Offer) -> str:
    """The offer, sealed."""
    return jwe(keys, kid, encode_offer(sold), rng.randbytes(16))
