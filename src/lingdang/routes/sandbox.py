"""The sandbox's own page, on which a payment comes out as whoever pays likes. There only with LINGDANG_SANDBOX."""

import asyncio
import re
from html import escape
from typing import Annotated
from urllib.parse import parse_qs
from uuid import UUID

import msgspec
from msgspec import Meta

from lingdang.clock import Clock
from lingdang.errors import Problem, invalid_field
from lingdang.http.problems import from_decode_error
from lingdang.http.reply import Header, Reply, replied
from lingdang.http.route import ANYONE, AnyServed, Asked, Route
from lingdang.topup.accounts import Account
from lingdang.topup.money import Money, decimal_text
from lingdang.topup.providers.provider import Refused
from lingdang.topup.providers.sandbox import OUTCOME, OUTCOMES, Payment, Sandbox, Sending
from lingdang.topup.receiving import Receiving

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
    problems=("not_found",),
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
    problems=("not_found", "topup_undecided"),
    documented=False,
)

_HEADERS: tuple[Header, ...] = (
    (b"content-type", b"text/html; charset=utf-8"),
    (
        b"content-security-policy",
        b"default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    ),
    (b"referrer-policy", b"no-referrer"),
)


def routes(account: Account, receiving: Receiving, clock: Clock) -> list[AnyServed]:
    """The page, and what its buttons send."""
    sandbox = account.provider
    assert isinstance(sandbox, Sandbox), "the account is its own"
    later: set[asyncio.Task[None]] = set()

    async def page(asked: Asked[None, OfPayment]) -> Reply:
        found = await account.call(lambda: sandbox.shown(asked.params.topup_id))
        if found is None:
            raise Problem("not_found")
        return Reply(_page(found).encode(), 200, _HEADERS)

    async def play(asked: Asked[None, OfPayment, bytes]) -> Reply:
        is_form = (asked.header(b"content-type") or "").startswith("application/x-www-form-urlencoded")
        outcome = _of_form(asked.body) if is_form else _of_json(asked.body)
        topup_id = asked.params.topup_id
        try:
            sendings = await account.call(lambda: sandbox.play(topup_id, outcome))
        except Refused as refused:
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
        if is_form:
            return Reply(b"", 303, ((b"location", f"/sandbox/{topup_id}".encode()),))
        found = await account.call(lambda: sandbox.shown(topup_id))
        assert found is not None, "it was played"
        return replied(Played(found.state))

    async def deliver(sending: Sending) -> None:
        await asyncio.sleep(sending.seconds)
        await receiving.take(account.name, sending.headers, sending.body, clock())

    return [PAGE.by(page), PLAY.by(play)]


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


def _page(found: Payment) -> str:
    buttons = "".join(f'<button name="outcome" value="{each}">{each}</button> ' for each in OUTCOMES)
    price = f"{decimal_text(Money(found.price, found.currency))} {found.currency}"
    back = (
        ""
        if found.return_url is None
        else f'<p><a href="{escape(found.return_url)}">返回商店 · Back to the shop</a></p>'
    )
    return (
        '<!doctype html><html lang="zh"><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        "<title>Sandbox</title><style>body{font:16px/1.5 sans-serif;max-width:36rem;margin:2rem auto;padding:0 1rem}"
        "button{font:inherit;margin:.2rem;padding:.4rem .8rem}</style>"
        f"<h1>沙箱支付 · Sandbox</h1><p>{escape(found.name)}: <strong>{escape(price)}</strong></p>"
        f"<p>状态 · State: <strong id=state>{found.state}</strong></p>"
        f'<form method="post">{buttons}</form>{back}</html>'
    )
