"""The session token: a JWT that says whose session it is and how it signs."""

from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import Meta

from lingdang.ids import CustId
from lingdang.jose import Seconds, SignedTokens
from lingdang.keys import Keyring
from lingdang.settings import SignType

MAX_TOKEN_LENGTH = 1024
"""Characters. The longest that is ever issued has about 560."""


class Point(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An ES256 public key's coordinates, in base64url."""

    x: str
    y: str


class Claims(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """What a token says: custId and key of the customer, session, sign type, Unix seconds; `point` for ES256 alone."""

    sub: CustId
    cus: Annotated[int, Meta(ge=0, le=2**63 - 1)]
    sid: UUID
    sig: SignType
    iat: Seconds
    exp: Seconds
    point: Point | None = None


class SessionTokens(SignedTokens[Claims]):
    """Makes session tokens of claims, and opens them."""

    def __init__(self, keyring: Keyring) -> None:
        super().__init__(keyring, "session-token", "session+jwt", Claims, MAX_TOKEN_LENGTH)
