"""`lingdang topup`: packages, and what has become of top-ups."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar
from uuid import UUID
from zoneinfo import ZoneInfo

import click
import msgspec
import psycopg
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from lingdang import moments
from lingdang.cli.arguments import IdType
from lingdang.cli.database import settings_of
from lingdang.cli.opening import opened
from lingdang.clock import rfc3339
from lingdang.db.pool import Pool, connect_options, transaction
from lingdang.demo.filling import has_demo_customer
from lingdang.deployment import Deployment, make_topups, settling
from lingdang.errors import CommandError, Problem, in_one_line
from lingdang.ids import DEFAULT_CURRENCY, MAX_AMOUNT, OWN_ID_PATTERN, RULES
from lingdang.paging import Window
from lingdang.topup.comparing import Compared
from lingdang.topup.gift_codes import Gift, write_codes
from lingdang.topup.importing import import_packages
from lingdang.topup.money import Money, decimal_text
from lingdang.topup.packages import Package, PackageView, PerBell, get_package, list_packages, put_package
from lingdang.topup.parts import Topups
from lingdang.topup.providers.provider import Refused, Unavailable
from lingdang.topup.rows import TopupRow, find
from lingdang.topup.status import STATUSES, Status
from lingdang.topup.views import list_all, view

T = TypeVar("T")
PACKAGE_ID = IdType(OWN_ID_PATTERN, RULES[OWN_ID_PATTERN])
_PAGE = 200
_NAMED = "LINGDANG_TOPUP_PROVIDERS names them, and LINGDANG_SANDBOX=true adds the sandbox"

_as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


@click.group()
def topup() -> None:
    """Bells for real money: what is sold, and what has become of it."""


@topup.group()
def package() -> None:
    """What is sold for how much real money."""


@package.command("put")
@click.argument("package_id", metavar="PACKAGEID", type=PACKAGE_ID)
@click.option("--name", required=True, help="What customers read.")
@click.option("--paid", type=click.IntRange(0), default=0, help="Bells that are paid for.")
@click.option("--bonus", type=click.IntRange(0), default=0, help="Bells given besides.")
@click.option("--bonus-days", type=click.IntRange(1, 3650), help="After so many days what is left of the bonus lapses.")
@click.option("--price", type=click.IntRange(1), help="Real money in whole minor units: 600 is 6.00 yuan.")
@click.option("--per-bell", metavar="AMOUNT[/BELLS]", help="Minor units for each BELLS bells of a free amount.")
@click.option("--least", type=click.IntRange(1), help="The fewest bells of a free amount.")
@click.option("--most", type=click.IntRange(1), help="The most bells of a free amount.")
@click.option("--money", required=True, metavar="CODE", help="The real currency: CNY.")
@click.option("--currency", default=DEFAULT_CURRENCY, show_default=True, help="The currency of the bells.")
@click.option("--provider", "providers", multiple=True, help="Sold through this account alone. May be repeated.")
@click.option("--store-product", "store_products", multiple=True, metavar="ACCOUNT=ID", help="Its product at a store.")
@click.option("--inactive", is_flag=True, help="Keep it, and do not sell it.")
@_as_json
@click.pass_context
def put(ctx: click.Context, /, package_id: str, as_json: bool, **options: Any) -> None:
    """Create the package PACKAGEID, or replace all of it."""
    given = _package(**options)

    async def write(pool: Pool, deployment: Deployment) -> PackageView:
        async with transaction(pool) as connection:
            await put_package(connection, package_id, given, deployment.clock())
        return await get_package(pool, package_id)

    _print(_run(ctx, write), as_json, _line_of_package)


@package.command("list")
@_as_json
@click.pass_context
def list_(ctx: click.Context, as_json: bool) -> None:
    """Show every package, sold or not."""
    _print_all(_run(ctx, lambda pool, _: _every_package(pool)), as_json, _line_of_package)


@package.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@_as_json
@click.pass_context
def import_(ctx: click.Context, file: Path, as_json: bool) -> None:
    """Write the packages of FILE, one a line as JSON, each with its packageId. All of them, or none."""

    async def write(pool: Pool, deployment: Deployment) -> Any:
        async with pool.connection() as connection:
            return await import_packages(connection, file, deployment.clock())

    _print(_run(ctx, write), as_json, lambda done: f"{done.created} created, {done.replaced} replaced")


@topup.command("list")
@click.option("--status", type=click.Choice(STATUSES), help="Only those in this state.")
@click.option("--most", type=click.IntRange(1, _PAGE), default=50, show_default=True)
@_as_json
@click.pass_context
def list_topups(ctx: click.Context, status: Status | None, most: int, as_json: bool) -> None:
    """Show the newest top-ups."""

    async def read(pool: Pool, _: Deployment) -> list[TopupRow]:
        return (await list_all(pool, status, Window(most, None)))[:most]

    found = _run(ctx, read)
    if as_json:
        _echo_json([view(row) for row in found])
        return
    for row in found:
        click.echo(_line_of_topup(row))


@topup.command("show")
@click.argument("topup_id", metavar="TOPUPID", type=click.UUID)
@_as_json
@click.pass_context
def show(ctx: click.Context, topup_id: UUID, as_json: bool) -> None:
    """Show one top-up."""
    _tell(_run(ctx, lambda pool, _: _found(pool, topup_id)), as_json)


@topup.command("ask")
@click.argument("topup_id", metavar="TOPUPID", type=click.UUID)
@_as_json
@click.pass_context
def ask(ctx: click.Context, topup_id: UUID, as_json: bool) -> None:
    """Ask the provider now how a top-up stands, and do what follows."""

    async def asked(pool: Pool, deployment: Deployment) -> TopupRow:
        async with _topups(pool, deployment) as topups:
            return await topups.asking.ask(await _found(pool, topup_id))

    _tell(_run(ctx, asked), as_json)


@topup.command("compare")
@click.argument("account", metavar="ACCOUNT", type=PACKAGE_ID)
@click.argument("day", metavar="YYYY-MM-DD", type=click.DateTime(["%Y-%m-%d"]))
@_as_json
@click.pass_context
def compare(ctx: click.Context, account: str, day: datetime, as_json: bool) -> None:
    """Compare the provider's list of a day with what was credited, and do what follows. It is done daily by itself."""

    async def compared(pool: Pool, deployment: Deployment) -> Compared:
        async with _topups(pool, deployment) as topups:
            if account not in topups.accounts:
                raise CommandError(f"there is no account {account}; {_NAMED}")
            try:
                return await topups.comparing.compare(account, day.date())
            except (Unavailable, Refused) as error:
                raise CommandError(f"{account} has no list of {day.date()} now: {error}") from None

    _print(_run(ctx, compared), as_json, lambda done: f"{done.listed} listed, {done.differing} differed")


@topup.command()
@click.argument("campaign", metavar="CAMPAIGN", type=PACKAGE_ID)
@click.argument("count", type=click.IntRange(1, 10_000_000))
@click.option("--amount", type=click.IntRange(1, MAX_AMOUNT), required=True, help="Bells of bonus that each is worth.")
@click.option("--currency", default=DEFAULT_CURRENCY, show_default=True)
@click.option("--expires", metavar="DAY|TIME", help="Until when they are good, and what is left of the bells lapses.")
@click.option("--out", required=True, type=click.Path(dir_okay=False, path_type=Path), help="A new CSV file.")
@click.pass_context
def codes(
    ctx: click.Context, campaign: str, count: int, amount: int, currency: str, expires: str | None, out: Path
) -> None:
    """Make COUNT gift codes of CAMPAIGN and write them into a CSV file, the only place where they can be read."""
    ends = None if expires is None else _end(expires, settings_of(ctx).zone)
    gift = Gift(campaign=campaign, currency=currency, amount=amount, expires_at=ends)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with opened(ctx) as deployment, Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("Making codes", total=count)
        options = connect_options(deployment.settings.pgbouncer)
        with psycopg.connect(deployment.database_url, **options) as connection:
            try:
                write_codes(connection, gift, count, out, lambda done: bar.update(task, advance=done))
            except FileExistsError:
                raise CommandError(f"{out} exists already; codes are never written over a file") from None
    click.echo(f"{count} codes of {campaign} in {out}")


def _end(text: str, zone: ZoneInfo) -> datetime:
    try:
        return moments.read_usable(text, zone, end=True)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--expires") from None


def _run(ctx: click.Context, work: Callable[[Pool, Deployment], Awaitable[T]]) -> T:
    """Work with the shop's database. Raises CommandError for what is refused."""

    async def run(deployment: Deployment) -> T:
        async with Pool(deployment.database_url, 3, deployment.settings.pgbouncer) as pool:
            return await work(pool, deployment)

    with opened(ctx) as deployment:
        try:
            return asyncio.run(run(deployment))
        except Problem as problem:
            raise CommandError(in_one_line(problem)) from None


@asynccontextmanager
async def _topups(pool: Pool, deployment: Deployment) -> AsyncIterator[Topups]:
    """The shop's top-ups, for as long as the block. Raises SettingsError for an account that cannot be."""
    async with settling(deployment) as settlement:
        topups = make_topups(_with_sandbox_of_demo(deployment), pool, settlement)
        try:
            yield topups
        finally:
            await topups.close()


def _with_sandbox_of_demo(deployment: Deployment) -> Deployment:
    """`serve --demo` has the sandbox without a setting, and so has a command on the shop that it filled."""
    settings = deployment.settings
    if "sandbox" in settings.topup_providers or not has_demo_customer(settings, deployment.database_url):
        return deployment
    return msgspec.structs.replace(deployment, settings=msgspec.structs.replace(settings, sandbox=True))


async def _every_package(pool: Pool) -> list[PackageView]:
    found: list[PackageView] = []
    while True:
        page = await list_packages(pool, Window(_PAGE, found[-1].package_id if found else None))
        found += page.items
        if page.next_cursor is None:
            return found


async def _found(pool: Pool, topup_id: UUID) -> TopupRow:
    row = await find(pool, topup_id)
    if row is None:
        raise CommandError(f"there is no top-up {topup_id}")
    return row


def _package(
    *,
    name: str,
    paid: int,
    bonus: int,
    bonus_days: int | None,
    price: int | None,
    per_bell: str | None,
    least: int | None,
    most: int | None,
    money: str,
    currency: str,
    providers: tuple[str, ...],
    store_products: tuple[str, ...],
    inactive: bool,
) -> Package:
    given = {
        "name": name,
        "currency": currency,
        "paid": paid,
        "bonus": bonus,
        "bonusExpiresAfterDays": bonus_days,
        "price": None if price is None else Money(price, money),
        "perBell": None if per_bell is None else _per_bell(per_bell, money),
        "least": least,
        "most": most,
        "providers": list(providers),
        "storeProducts": {name: product for name, _, product in (each.partition("=") for each in store_products)},
        "active": not inactive,
    }
    try:
        return msgspec.convert(msgspec.to_builtins(given), Package)
    except msgspec.ValidationError as error:
        raise click.UsageError(str(error)) from None


def _per_bell(text: str, money: str) -> PerBell:
    amount, _, bells = text.partition("/")
    if not (amount.isdecimal() and (bells or "1").isdecimal()):
        raise click.UsageError(f"--per-bell {text}: expected AMOUNT or AMOUNT/BELLS, e.g. 7/100")
    return PerBell(int(amount), money, int(bells or "1"))


def _line_of_package(view: PackageView) -> str:
    if view.price is not None:
        what = f"{view.paid}+{view.bonus} {view.currency} for {decimal_text(view.price)} {view.price.currency}"
    else:
        assert view.per_bell is not None, "a package has a price or a price of a bell"
        each = view.per_bell
        cost = decimal_text(Money(each.amount, each.currency))
        what = f"{view.least} to {view.most} {view.currency}, {cost} {each.currency} for each {each.bells}"
    return f"{view.package_id}  {view.name}: {what}{'' if view.active else ', not sold'}"


def _line_of_topup(row: TopupRow) -> str:
    differs = f"  differs: {', '.join(row.differs)}" if row.differs else ""
    price = f"{decimal_text(row.agreed)} {row.price_currency}"
    return f"{row.topup_id}  {row.status:<15} {price}  {row.account}  {rfc3339(row.created_at)}{differs}"


def _tell(row: TopupRow, as_json: bool) -> None:
    if as_json:
        _echo_json(view(row))
    else:
        click.echo(_line_of_topup(row))


def _print(value: T, as_json: bool, line: Callable[[T], str]) -> None:
    if as_json:
        _echo_json(value)
    else:
        click.echo(line(value))


def _print_all(values: list[T], as_json: bool, line: Callable[[T], str]) -> None:
    if as_json:
        _echo_json(values)
        return
    for value in values:
        click.echo(line(value))


def _echo_json(value: Any) -> None:
    click.echo(msgspec.json.encode(value).decode())
