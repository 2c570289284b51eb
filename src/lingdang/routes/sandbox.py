"""The sandbox's own page, on which a payment comes out as whoever pays likes. There only with LINGDANG_SANDBOX."""

import asyncio
import re
from collections.abc import Callable
from typing import Annotated, TypeVar
from urllib.parse import parse_qs, quote
from uuid import UUID

import msgspec
from msgspec import Meta

from lingdang.clock import Clock
from lingdang.errors import Problem, invalid_field, retry_later
from lingdang.http.problems import from_decode_error
from lingdang.http.reply import Reply, replied
from lingdang.http.route import ANYONE, AnyServed, Asked, Route
from lingdang.routes import sandbox_page
from lingdang.topup.accounts import Account
from lingdang.topup.providers.provider import Refused, Unavailable
from lingdang.topup.providers.sandbox import OUTCOME, OUTCOMES, Payment, Sandbox, Sending
from lingdang.topup.receiving import Receiving

T = TypeVar("T")
_OUTCOME = re.compile(OUTCOME)


class OfPayment(msgspec.Struct, frozen=True, rename="camel"):
    """Which payment, by the top-up's id."""

    topup_id: UUID


class Play(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How a payment comes out."""

    outcome: Annotated[str, Meta(pattern=OUTCOME)]


class Played(msgspec.Struct, frozen=True):
    """How the payment stands at the sandbox now."""

    state: str


PAGE = Route(
    name="showSandbox",
    method="GET",
    path="/sandbox/{topup_id}",
    who=ANYONE,
    summary="The sandbox's page",
    tag="topups",
    params=OfPayment,
    answer=str,
    media_type="text/html",
    problems=("not_found", "provider_unavailable"),
    documented=False,
)
PLAY = Route(
    name="playSandbox",
    method="POST",
    path="/sandbox/{topup_id}",
    who=ANYONE,
    summary="Have a payment come out so",
    tag="topups",
    params=OfPayment,
    body=bytes,
    answer=Played,
    problems=("not_found", "topup_undecided", "provider_unavailable"),
    documented=False,
)

_IN_ADDRESSES = "%/:?#[]@!$&'()*+,;=~"
"""What stays as it is in an address that may have been written with letters of any script."""
_OF_THE_PAYER = frozenset(outcome for outcome in OUTCOMES if not outcome.startswith("dispute"))
"""What whoever pays does. They are led back to the shop afterwards, as a provider would."""


def routes(account: Account, receiving: Receiving, clock: Clock) -> list[AnyServed]:
    """The page, and what its buttons send."""
    sandbox = account.provider
    assert isinstance(sandbox, Sandbox), "the account is its own"
    later: set[asyncio.Task[None]] = set()

    async def page(asked: Asked[None, OfPayment]) -> Reply:
        found = await _called(account, lambda: sandbox.shown(asked.params.topup_id))
        if found is None:
            raise Problem("not_found")
        lang = sandbox_page.language(asked.header(b"accept-language"))
        html = sandbox_page.page(found, sandbox.possible(found), lang)
        return Reply(html.encode(), 200, sandbox_page.headers(found))

    async def play(asked: Asked[None, OfPayment, bytes]) -> Reply:
        is_form = (asked.header(b"content-type") or "").startswith("application/x-www-form-urlencoded")
        outcome = _of_form(asked.body) if is_form else _of_json(asked.body)
        topup_id = asked.params.topup_id
        try:
            sendings = await _called(account, lambda: sandbox.play(topup_id, outcome))
        except Refused as refused:
            if is_form:  # the page was an old one: it is shown as it is now
                return _led_to(f"/sandbox/{topup_id}")
            raise Problem("topup_undecided", reason=refused.reason) from None
        if sendings is None:
            raise Problem("not_found")
        for sending in sendings:
            if sending.seconds:
                task = asyncio.create_task(deliver(sending))
                later.add(task)
                task.add_done_callback(later.discard)
            else:
                await receiving.take(account.name, sending.headers, sending.body, clock())
        found = await _called(account, lambda: sandbox.shown(topup_id))
        assert found is not None, "it was played"
        return _led_on(found, outcome) if is_form else replied(Played(found.state))

    async def deliver(sending: Sending) -> None:
        await asyncio.sleep(sending.seconds)
        await receiving.take(account.name, sending.headers, sending.body, clock())

    return [PAGE.by(page), PLAY.by(play)]


async def _called(account: Account, work: Callable[[], T]) -> T:
    try:
        return await account.call_for_customer(work)
    except Unavailable:
        raise retry_later("provider_unavailable", 1, why="too many ask the sandbox at once") from None


def _led_on(found: Payment, outcome: str) -> Reply:
    to = found.return_url if outcome in _OF_THE_PAYER else None
    return _led_to(to or f"/sandbox/{found.topup_id}")


def _led_to(path: str) -> Reply:
    address = quote(path, safe=_IN_ADDRESSES)
    return Reply(b"", 303, ((b"location", address.encode("ascii")),))


def _of_json(body: bytes) -> str:
    try:
        return msgspec.json.decode(body or b"{}", type=Play).outcome
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise from_decode_error(error) from None


def _of_form(body: bytes) -> str:
    fields = parse_qs(body.decode("utf-8", "replace"))
    outcome = fields.get("outcome", [""])[0]
    if not _OUTCOME.match(outcome):
        raise invalid_field("outcome", "There is no such outcome")
    return outcome
