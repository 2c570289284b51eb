"""Sessions: who asks, and how they sign."""

from datetime import datetime
from uuid import UUID

import msgspec
import structlog
from msgspec import UNSET, UnsetType

from lingdang.db.pool import Pool
from lingdang.errors import Problem
from lingdang.http.idempotency import Idempotency
from lingdang.http.problems import invalid
from lingdang.http.reply import Reply, encode, replied
from lingdang.http.route import AnyServed, Asked, Caller, Nothing, Route
from lingdang.identity.ending import end_session, require_living
from lingdang.identity.passwords import GivenPassword
from lingdang.identity.proofs import Proofs, Proved
from lingdang.identity.public_keys import PublicKeyJwk
from lingdang.identity.session import Session
from lingdang.identity.sessions import IssuedSession, Sessions, bearer
from lingdang.ids import CustId
from lingdang.routes.callers import CUSTOMER
from lingdang.routes.examples import sessions as examples
from lingdang.settings import SignType

_log = structlog.get_logger(__name__)

_SIGNING_IN: Caller[None] = Caller("platform token", ("unauthenticated", "rate_limited", "identity_unavailable"))
"""Who proves to be somebody by the body's password, or by a platform's token."""


class OpenRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="camel", kw_only=True):
    """How the session signs, and who asks. With a platform's token, custId and password are left out."""

    sign_type: SignType
    public_key: PublicKeyJwk | None = None
    cust_id: CustId | None = None
    password: GivenPassword | None = None

    def __post_init__(self) -> None:
        if (self.cust_id is None) != (self.password is None):
            raise ValueError("custId and password belong together")


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


OPEN = Route(
    name="createSession",
    method="POST",
    path="/v1/sessions",
    who=_SIGNING_IN,
    summary="Open a signing session",
    description="Opens a session with a password, or with a token of the platform's identity provider as "
    "`Authorization: Bearer`. The sign type is fixed for the session. With `ES256` the client sends its"
    " public key; else the answer has a `signKey`.",
    tag="sessions",
    body=OpenRequest,
    body_example=OpenRequest(sign_type="HMAC-SHA256", cust_id="ann", password="four grey geese"),  # noqa: S106 - an example
    keyed=True,
    answer=OpenedSession,
    example=OpenedSession(
        cust_id="ann",
        session_id=examples.SESSION_ID,
        session_token=examples.TOKEN,
        sign_type="ES256",
        expires_at=examples.ENDS_AT,
        server_time=examples.OPENED_AT,
    ),
    statuses={201: "The session is open"},
)
CURRENT = Route(
    name="getCurrentSession",
    method="GET",
    path="/v1/sessions/current",
    who=CUSTOMER,
    summary="The session of this token",
    description="Tells whose session it is, how it signs, until when it is good, and the server's time.",
    tag="sessions",
    answer=CurrentSession,
    example=CurrentSession(
        cust_id="ann",
        session_id=examples.SESSION_ID,
        sign_type="ES256",
        issued_at=examples.OPENED_AT,
        expires_at=examples.ENDS_AT,
        server_time=examples.OPENED_AT,
    ),
)
END = Route(
    name="endCurrentSession",
    method="DELETE",
    path="/v1/sessions/current",
    who=CUSTOMER,
    summary="Log out: end this session everywhere",
    description="From then on the token is refused everywhere.",
    tag="sessions",
    answer=type(None),
    problems=("rate_limited",),
)


def routes(sessions: Sessions, proofs: Proofs, idempotency: Idempotency, pool: Pool) -> list[AnyServed]:
    """The sessions' routes. `idempotency` is that of signing in."""

    async def open_session(asked: Asked[None, Nothing, OpenRequest]) -> Reply:
        try:
            return await _open(sessions, proofs, idempotency, asked)
        except Problem as problem:
            problem.customer = asked.body.cust_id
            raise

    async def current(asked: Asked[Session]) -> CurrentSession:
        session = asked.who
        await require_living(pool, session.owner)
        return CurrentSession(
            cust_id=session.cust_id,
            session_id=session.session_id,
            sign_type=session.sign_type,
            issued_at=session.issued_at,
            expires_at=session.expires_at,
            server_time=asked.now,
        )

    async def end(asked: Asked[Session]) -> None:
        await end_session(pool, asked.who, asked.client, asked.now)

    return [OPEN.by(open_session), CURRENT.by(current), END.by(end)]


async def _open(
    sessions: Sessions, proofs: Proofs, idempotency: Idempotency, asked: Asked[None, Nothing, OpenRequest]
) -> Reply:
    body, now = asked.body, asked.now
    public_key = None if body.public_key is None else msgspec.to_builtins(body.public_key)
    sessions.check(body.sign_type, public_key)
    proved = await _prove(proofs, asked)

    async def produce() -> Reply:
        issued = sessions.issue(proved.customer, body.sign_type, public_key, now, proved.sessions_after)
        await proved.keep(issued)
        _log.info(
            "session_opened",
            customer=issued.customer.cust_id,
            session=str(issued.session_id),
            by="token" if body.password is None else "password",
            sign_type=issued.sign_type,
            client=asked.client,
        )
        return replied(_opened(issued, now), 201)

    name = f"POST /v1/sessions {proved.customer.cust_id}"
    return await idempotency.once(name, asked.header(b"idempotency-key"), encode(body), now, produce)


async def _prove(proofs: Proofs, asked: Asked[None, Nothing, OpenRequest]) -> Proved:
    authorization = asked.header(b"authorization")
    cust_id, password = asked.body.cust_id, asked.body.password
    if cust_id is None or password is None:
        return await proofs.by_token(bearer(authorization), asked.now)
    if authorization is not None:
        raise invalid("$.password", "Send a password or an Authorization header, not both")
    return await proofs.by_password(cust_id, password, asked.client)


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
