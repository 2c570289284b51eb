"""POST /v1/sessions, GET and DELETE /v1/sessions/current."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
import structlog
from litestar import Request, Response, delete, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import JSONBody
from msgspec import UNSET, UnsetType

from lingdang.clock import Clock
from lingdang.db.pool import Pool
from lingdang.errors import Problem, invalid, retry_later
from lingdang.http.entry import SIGNING_IN
from lingdang.http.idempotency import Idempotency
from lingdang.http.pacing import Pacing
from lingdang.http.reply import Reply
from lingdang.identity.customers import make_known
from lingdang.identity.logins import Logins
from lingdang.identity.passwords import GivenPassword
from lingdang.identity.platform_tokens import PlatformTokens
from lingdang.identity.public_keys import PublicKeyJwk
from lingdang.identity.session import Session
from lingdang.identity.sessions import MOST_SESSIONS, IssuedSession, Sessions, bearer, seconds_until
from lingdang.ids import CustId, Customer
from lingdang.owner import fetch_as, transaction_as
from lingdang.settings import SignType

Asked = Request[Any, Any, Any]

_log = structlog.get_logger(__name__)

# A session by password has been counted when it was opened. Any number can be opened with a platform's token.
_END = f"""
INSERT INTO session_end AS e (bucket, customer, session_id, expires_at)
SELECT %b, %b, %b, %b
 WHERE EXISTS (SELECT FROM password_session WHERE bucket = %b AND customer = %b AND session_id = %b)
    OR (SELECT count(*) FROM session_end WHERE bucket = %b AND customer = %b AND expires_at > %b) < {MOST_SESSIONS}
ON CONFLICT (bucket, customer, session_id) DO UPDATE SET expires_at = e.expires_at
RETURNING 1
"""  # noqa: S608 - a constant
_FIRST_TO_LAPSE = """
SELECT min(expires_at) FROM session_end WHERE bucket = %b AND customer = %b AND expires_at > %b
"""


class OpenRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="camel", kw_only=True):
    """The body of POST /v1/sessions. With a platform's token, custId and password are left out."""

    sign_type: SignType
    public_key: PublicKeyJwk | None = None
    cust_id: CustId | None = None
    password: GivenPassword | None = None


class OpenedSession(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """A new session. `signKey` is there for MD5 and HMAC-SHA256."""

    cust_id: str
    session_id: UUID
    session_token: str
    sign_type: SignType
    sign_key: str | UnsetType = UNSET
    expires_at: datetime
    server_time: datetime


class CurrentSession(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """A session as it stands."""

    cust_id: str
    session_id: UUID
    sign_type: SignType
    issued_at: datetime
    expires_at: datetime
    server_time: datetime


class _Customer(msgspec.Struct, frozen=True):
    """Who has proved to be whom, and what is to be done with the session opened for them."""

    customer: Customer
    keep: Callable[[IssuedSession], Awaitable[None]]


class _Proofs(msgspec.Struct, frozen=True):
    """The two ways to prove who asks."""

    logins: Logins
    platform_tokens: PlatformTokens | None
    pool: Pool
    pacing: Pacing

    async def prove(self, request: Asked, data: OpenRequest, now: datetime) -> _Customer:
        """Raises Problem `invalid_request`, `unauthenticated`, `rate_limited`, `overloaded`, `identity_unavailable`."""
        try:
            return await self._prove(request, data, now)
        except Problem:
            await self.pacing.hold()
            raise

    async def _prove(self, request: Asked, data: OpenRequest, now: datetime) -> _Customer:
        authorization = request.headers.get("authorization")
        if data.cust_id is None and data.password is None:
            cust_id = await self._by_token(bearer(authorization), now)
            [customer] = await make_known(self.pool, [cust_id], now)
            return _Customer(customer, _keep_nothing)
        if authorization is not None:
            raise invalid("$.password", "Send a password or an Authorization header, not both")
        if data.cust_id is None or data.password is None:
            raise invalid("$", "custId and password belong together")
        proof = await self.logins.verify(data.cust_id, data.password, _address(request))
        return _Customer(proof.customer, lambda issued: self.logins.keep(proof, issued))

    async def _by_token(self, token: str | None, now: datetime) -> str:
        if token is None:
            raise Problem("unauthenticated", why="neither a password nor a platform's token was sent")
        if self.platform_tokens is None:
            raise Problem("unauthenticated", why="a platform's token was sent, but LINGDANG_OIDC_ISSUER is not set")
        return await self.platform_tokens.verify(token, now)


def routes(
    sessions: Sessions,
    logins: Logins,
    platform_tokens: PlatformTokens | None,
    idempotency: Idempotency,
    pool: Pool,
    sign_in: Pool,
    clock: Clock,
    pacing: Pacing,
) -> list[HTTPRouteHandler]:
    """The sessions' routes. Without `platform_tokens` only the built-in login opens one."""
    proofs = _Proofs(logins, platform_tokens, sign_in, pacing)
    return [_open_route(sessions, proofs, idempotency, clock), *_current_routes(sessions, pool, clock)]


def _open_route(sessions: Sessions, proofs: _Proofs, idempotency: Idempotency, clock: Clock) -> HTTPRouteHandler:
    @post("/v1/sessions", summary="Open a signing session", tags=["sessions"])
    async def open_session(request: Asked, data: JSONBody[OpenRequest]) -> Response[OpenedSession]:
        now = clock()
        request.scope[SIGNING_IN] = data.cust_id  # type: ignore[literal-required]
        public_key = None if data.public_key is None else msgspec.to_builtins(data.public_key)
        sessions.check(data.sign_type, public_key)
        proved = await proofs.prove(request, data, now)

        async def produce() -> Reply:
            issued = sessions.issue(proved.customer, data.sign_type, public_key, now)
            await proved.keep(issued)
            _log.info(
                "session_opened",
                customer=issued.customer.cust_id,
                session=str(issued.session_id),
                by="token" if data.password is None else "password",
                sign_type=issued.sign_type,
                client=_address(request),
            )
            return Reply(msgspec.json.encode(_opened(issued, now)), 201)

        key = request.headers.get("idempotency-key")
        body = msgspec.json.encode(data)
        return _response(
            await idempotency.once(f"POST /v1/sessions {proved.customer.cust_id}", key, body, now, produce)
        )

    return open_session


def _current_routes(sessions: Sessions, pool: Pool, clock: Clock) -> list[HTTPRouteHandler]:
    def who(request: Asked, now: datetime) -> Session:
        headers = request.headers
        return sessions.authenticate(headers.get("authorization"), headers.get("x-cust-id"), now)

    @get("/v1/sessions/current", summary="The session of this token", tags=["sessions"])
    async def current(request: Asked) -> CurrentSession:
        now = clock()
        session = who(request, now)
        await fetch_as(pool, session.owner, "SELECT")  # asks only whether it has ended
        return CurrentSession(
            cust_id=session.cust_id,
            session_id=session.session_id,
            sign_type=session.sign_type,
            issued_at=session.issued_at,
            expires_at=session.expires_at,
            server_time=now,
        )

    @delete("/v1/sessions/current", summary="Log out: end this session everywhere", tags=["sessions"])
    async def end(request: Asked) -> None:
        now = clock()
        session = who(request, now)
        owner = session.owner
        customer = owner.bucket, owner.customer
        row = *customer, owner.session_id, session.expires_at
        async with transaction_as(pool, owner) as connection:
            ended = await connection.execute(_END, (*row, *customer, owner.session_id, *customer, now))
            if await ended.fetchone() is None:
                first = await (await connection.execute(_FIRST_TO_LAPSE, (*customer, now))).fetchone()
                raise retry_later(
                    "rate_limited", seconds_until(first, now), why=f"{MOST_SESSIONS} sessions were ended lately"
                )
        _log.info("session_ended", customer=owner.cust_id, session=str(owner.session_id), client=_address(request))

    return [current, end]


async def _keep_nothing(_: IssuedSession) -> None:
    """A session by a platform's token: no password will ever end it."""


def _address(request: Asked) -> str:
    return request.client.host if request.client else "unknown"


def _opened(issued: IssuedSession, now: datetime) -> OpenedSession:
    return OpenedSession(
        cust_id=issued.customer.cust_id,
        session_id=issued.session_id,
        session_token=issued.session_token,
        sign_type=issued.sign_type,
        sign_key=UNSET if issued.sign_key is None else issued.sign_key,
        expires_at=issued.expires_at,
        server_time=now,
    )


def _response(reply: Reply) -> Response[Any]:
    headers = {name.decode(): value.decode() for name, value in reply.headers}
    return Response(reply.body, status_code=reply.status, media_type="application/json", headers=headers)
