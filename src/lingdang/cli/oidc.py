"""`lingdang oidc`."""

import asyncio
import sys
from base64 import urlsafe_b64decode
from typing import Any

import click
import msgspec

from lingdang.cli.database import settings_of
from lingdang.clock import system_clock
from lingdang.errors import CommandError, Problem
from lingdang.identity.platform_tokens import PlatformTokens


class Checked(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """What `oidc check` found: the custId, or the reason against the token. Its parts are shown as they came."""

    accepted: bool
    cust_id: str | None = None
    reason: str | None = None
    header: dict[str, Any] | None = None
    claims: dict[str, Any] | None = None


@click.group()
def oidc() -> None:
    """Check the tokens of your identity provider."""


@oidc.command("check")
@click.argument("token")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_context
def check(ctx: click.Context, token: str, as_json: bool) -> None:
    """Say which customer TOKEN signs in, or why it signs in nobody; exit code 1 then.

    `-` reads the token from standard input, which keeps it out of the shell's history. Nothing is written, and no
    database is needed.
    """
    tokens = PlatformTokens.configured(settings_of(ctx))
    if tokens is None:
        raise CommandError("no identity provider is set: LINGDANG_OIDC_ISSUER and LINGDANG_OIDC_AUDIENCE")
    text = (sys.stdin.read() if token == "-" else token).strip().removeprefix("Bearer ")  # noqa: S105 - the argument
    if not text:
        raise CommandError("no token was given")
    found = asyncio.run(_checked(tokens, text))
    click.echo(msgspec.json.encode(found).decode() if as_json else _sentences(found))
    if not found.accepted:
        ctx.exit(1)


async def _checked(tokens: PlatformTokens, token: str) -> Checked:
    header, claims = (_shown(part) for part in [*token.split("."), "", ""][:2])
    try:
        cust_id = await tokens.verify(token, system_clock())
        return Checked(True, cust_id, None, header, claims)
    except Problem as refused:
        return Checked(False, None, f"{refused.why}", header, claims)
    finally:
        await tokens.close()


def _sentences(found: Checked) -> str:
    parts = {"header": found.header, "claims": found.claims}
    lines = [f"{name}: {msgspec.json.encode(part).decode()}" for name, part in parts.items() if part is not None]
    return "\n".join([*lines, f"accepted: signs in {found.cust_id}" if found.accepted else f"refused: {found.reason}"])


def _shown(part: str) -> dict[str, Any] | None:
    """A part of the token that is a JSON object, whether or not anybody signed it."""
    try:
        return msgspec.json.decode(urlsafe_b64decode(part + "=="), type=dict[str, Any])
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return None
