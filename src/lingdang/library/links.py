"""Links: a right for whoever has the token, for downloads and pictures, whose requests carry no headers.

A token is a JWT that names the customer's key, the product, the cause of the right, and its end. What it says is asked
of the database at every use: it lets nobody in once that very right has ended, though the product be bought again.
"""

from datetime import UTC, datetime, timedelta
from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import Meta

from lingdang.errors import Problem
from lingdang.ids import Customer, ProductId
from lingdang.jose import Seconds, SignedTokens
from lingdang.keys import Keyring
from lingdang.library.entitlements import Right, Rights
from lingdang.owner import Owner, owner_named

MAX_SECONDS = 86_400
MAX_TOKEN_LENGTH = 512
"""Characters. The longest that is ever issued has about 390."""


class Claims(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a token says: the customer's key, the product, the cause of the right, and its end in Unix seconds."""

    cus: Annotated[int, Meta(ge=0, le=2**63 - 1)]
    pid: ProductId
    cause: UUID
    exp: Seconds


class Link(msgspec.Struct, frozen=True, rename="camel"):
    """A token to be sent with the product's id, and when it ends."""

    token: str
    expires_at: datetime


class Links:
    """Makes tokens and follows them. Nothing of them is stored."""

    def __init__(self, keyring: Keyring, rights: Rights, buckets: int) -> None:
        self._tokens = SignedTokens(keyring, "access-link", "link+jwt", Claims, MAX_TOKEN_LENGTH)
        self._rights = rights
        self._buckets = buckets

    async def make(self, owner: Owner, product_id: str, seconds: int, now: datetime) -> Link:
        """A link to a product of the customer's, for so long. Raises Problem `not_found` where it is not theirs."""
        right = await self._rights.find(owner, product_id)
        if right is None:
            raise Problem("not_found")
        end = int((now + timedelta(seconds=seconds)).timestamp())
        token, _ = self._tokens.issue(Claims(owner.customer, product_id, right.cause, end))
        return Link(token, datetime.fromtimestamp(end, UTC))

    async def follow(self, token: str, product_id: str, now: datetime) -> Right:
        """The right that a token stands for. That it was used is noted as for a session.

        Raises Problem `unauthenticated` for a token that has ended or is none, and `not_entitled` where it is of
        another product or the right has ended.
        """
        opened = self._tokens.open(token)
        if opened is None:
            raise Problem("unauthenticated", why="the link was altered, made elsewhere, or its key is retired")
        claims = opened.claims
        if claims.exp <= now.timestamp():
            raise Problem("unauthenticated", why="the link has expired")
        if claims.pid != product_id:
            raise Problem("not_entitled", why=f"the link is to {claims.pid}", productId=product_id)
        owner = owner_named(Customer(claims.cus, ""), self._buckets)
        right = await self._rights.use(owner, product_id, now, claims.cause)
        if right is None:
            raise Problem("not_entitled", why="the right that the link was made of has ended", productId=product_id)
        return right
