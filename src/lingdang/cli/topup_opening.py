"""The shop's top-ups that a command works on."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TypeVar
from uuid import UUID

import click
import msgspec

from lingdang.cli.opening import opened
from lingdang.db.pool import Pool
from lingdang.demo.filling import has_demo_customer
from lingdang.deployment import Deployment, make_topups, settling
from lingdang.errors import CommandError, Problem, in_one_line
from lingdang.topup.parts import Topups
from lingdang.topup.rows import TopupRow, find

T = TypeVar("T")
_NAMED = "LINGDANG_TOPUP_PROVIDERS names them, and LINGDANG_SANDBOX=true adds the sandbox"


def run_on_shop(ctx: click.Context, work: Callable[[Pool, Deployment], Awaitable[T]]) -> T:
    """Work with the shop's database. Raises CommandError for what is refused."""

    async def run(deployment: Deployment) -> T:
        async with Pool(deployment.database_url, 3, deployment.settings.pgbouncer) as pool:
            return await work(pool, deployment)

    with opened(ctx) as deployment:
        try:
            return asyncio.run(run(deployment))
        except Problem as problem:
            raise CommandError(_told(problem)) from None


def run_on_topups(ctx: click.Context, work: Callable[[Topups], Awaitable[T]]) -> T:
    """Work with the shop's top-ups. Raises CommandError for what is refused, SettingsError for a wrong account."""

    async def run(pool: Pool, deployment: Deployment) -> T:
        async with _topups(pool, deployment) as topups:
            return await work(topups)

    return run_on_shop(ctx, run)


def require_account(topups: Topups, name: str) -> None:
    """Raises CommandError where the settings have no such account."""
    if name not in topups.accounts:
        raise CommandError(f"there is no account {name}; {_NAMED}")


async def found_topup(topups: Topups, topup_id: UUID) -> TopupRow:
    """The top-up of this id. Raises CommandError where there is none."""
    row = await find(topups.pool, topup_id)
    if row is None:
        raise CommandError(f"there is no top-up {topup_id}")
    return row


def with_sandbox_of_demo(deployment: Deployment) -> Deployment:
    """`serve --demo` has the sandbox without a setting, and so has a command on the shop that it filled."""
    settings = deployment.settings
    if "sandbox" in settings.topup_providers or not has_demo_customer(settings, deployment.database_url):
        return deployment
    return msgspec.structs.replace(deployment, settings=msgspec.structs.replace(settings, sandbox=True))


@asynccontextmanager
async def _topups(pool: Pool, deployment: Deployment) -> AsyncIterator[Topups]:
    """The shop's top-ups, for as long as the block."""
    async with settling(deployment) as settlement:
        topups = make_topups(with_sandbox_of_demo(deployment), pool, settlement)
        try:
            yield topups
        finally:
            await topups.close()


def _told(problem: Problem) -> str:
    """The refusal, with the reasons that it names apart."""
    reasons = problem.members.get("reasons")
    line = in_one_line(problem)
    return f"{line} ({', '.join(map(str, reasons.values()))})" if isinstance(reasons, dict) else line
