"""A verified session: all that a route knows of who asks."""

from datetime import datetime
from uuid import UUID

import msgspec
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey

from lingdang.owner import Owner
from lingdang.settings import SignType


class Session(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One signing session. `sign_key` is set for MD5 and HMAC-SHA256, `public_key` for ES256.

    `owner` names the customer, the bucket and the session for queries; `issued_at` and `expires_at` are UTC.
    """

    owner: Owner
    sign_type: SignType
    sign_key: str | None
    public_key: EllipticCurvePublicKey | None
    issued_at: datetime
    expires_at: datetime

    @property
    def cust_id(self) -> str:
        return self.owner.cust_id

    @property
    def session_id(self) -> UUID:
        return self.owner.session_id
