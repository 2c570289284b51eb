"""The two ways to prove who asks for a session: a password kept here, or a platform's token."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import TypeVar

import msgspec

from lingdang.db.pool import Pool
from lingdang.errors import Problem
from lingdang.identity.customers import signing_in
from lingdang.identity.logins import Logins
from lingdang.identity.platform_tokens import PlatformTokens
from lingdang.identity.sessions import IssuedSession
from lingdang.ids import Customer
from lingdang.pacing import Pacing

T = TypeVar("T")


class Proved(msgspec.Struct, frozen=True):
    """Who has proved to be whom, what their session must be younger than, and what is to be done with it."""

    customer: Customer
    sessions_after: datetime | None
    keep: Callable[[IssuedSession], Awaitable[None]]


class Proofs(msgspec.Struct, frozen=True):
    """Verifies proofs. Without `platform_tokens` a password is the only one. What is refused is paced."""

    logins: Logins
    platform_tokens: PlatformTokens | None
    pool: Pool
    pacing: Pacing

    async def by_password(self, cust_id: str, password: str, client: str) -> Proved:
        """The customer of this password; `client` is the address it came from.

        Raises Problem `unauthenticated`, `rate_limited` or `overloaded`.
        """
        proof = await self._paced(self.logins.verify(cust_id, password, client))
        return Proved(proof.customer, proof.sessions_after, lambda issued: self.logins.keep(proof, issued))

    async def by_token(self, token: str | None, now: datetime) -> Proved:
        """The customer of a platform's token.

        Raises Problem `unauthenticated`, `identity_unavailable` or `overloaded`.
        """
        return await self._paced(self._of_token(token, now))

    async def _of_token(self, token: str | None, now: datetime) -> Proved:
        if token is None:
            raise Problem("unauthenticated", why="neither a password nor a platform's token was sent")
        if self.platform_tokens is None:
            raise Problem("unauthenticated", why="a platform's token was sent, but LINGDANG_OIDC_ISSUER is not set")
        cust_id = await self.platform_tokens.verify(token, now)
        customer, sessions_after = await signing_in(self.pool, cust_id, now)
        return Proved(customer, sessions_after, _keep_nothing)

    async def _paced(self, proof: Awaitable[T]) -> T:
        try:
            return await proof
        except Problem:
            await self.pacing.hold()
            raise


async def _keep_nothing(_: IssuedSession) -> None:
    """A session by a platform's token: no password will ever end it."""
