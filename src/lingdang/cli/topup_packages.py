"""`lingdang topup package`: what is sold for how much real money."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import msgspec

from lingdang.cli.arguments import OWN_ID
from lingdang.cli.printing import as_json_option, print_all, print_one
from lingdang.cli.topup_opening import run_on_shop, with_sandbox_of_demo
from lingdang.db.pool import Pool, transaction
from lingdang.deployment import Deployment
from lingdang.ids import DEFAULT_CURRENCY, in_words
from lingdang.paging import Window
from lingdang.topup.importing import import_packages
from lingdang.topup.money import Money, decimal_text
from lingdang.topup.packages import Package, PackageView, PerBell, get_package, list_packages, put_package

_PAGE = 200


@click.group()
def package() -> None:
    """What is sold for how much real money."""


@package.command("put")
@click.argument("package_id", metavar="PACKAGEID", type=OWN_ID)
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
@as_json_option
@click.pass_context
def put(ctx: click.Context, /, package_id: str, as_json: bool, **options: Any) -> None:
    """Create the package PACKAGEID, or replace all of it."""
    given = _package(**options)

    async def write(pool: Pool, deployment: Deployment) -> PackageView:
        _warn_of_strangers(with_sandbox_of_demo(deployment), given)
        async with transaction(pool) as connection:
            await put_package(connection, package_id, given, deployment.clock())
        return await get_package(pool, package_id)

    print_one(run_on_shop(ctx, write), as_json, _line_of_package)


@package.command("list")
@as_json_option
@click.pass_context
def list_(ctx: click.Context, as_json: bool) -> None:
    """Show every package, sold or not."""
    print_all(run_on_shop(ctx, lambda pool, _: _every_package(pool)), as_json, _line_of_package)


@package.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@as_json_option
@click.pass_context
def import_(ctx: click.Context, file: Path, as_json: bool) -> None:
    """Write the packages of FILE, one a line as JSON, each with its packageId. All of them, or none."""

    async def write(pool: Pool, deployment: Deployment) -> Any:
        async with pool.connection() as connection:
            return await import_packages(connection, file, deployment.clock())

    print_one(run_on_shop(ctx, write), as_json, lambda done: f"{done.created} created, {done.replaced} replaced")


async def _every_package(pool: Pool) -> list[PackageView]:
    found: list[PackageView] = []
    while True:
        page = await list_packages(pool, Window(_PAGE, found[-1].package_id if found else None))
        found += page.items
        if page.next_cursor is None:
            return found


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
        raise click.UsageError(in_words(str(error))) from None


def _warn_of_strangers(deployment: Deployment, given: Package) -> None:
    """Say so of accounts that the settings lack. They may come later, so it is no refusal."""
    settings = deployment.settings
    there = {*settings.topup_providers, *(["sandbox"] if settings.sandbox or settings.demo else [])}
    for name in sorted({*given.providers, *given.store_products} - there):
        click.echo(f"Warning: there is no account {name} in the settings, so nobody can buy it there yet.", err=True)


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
    return f"{view.package_id}  {view.name}: {what}{''.join(_further(view))}"


def _further(view: PackageView) -> Iterator[str]:
    if view.bonus_expires_after_days is not None:
        yield f", the bonus for {view.bonus_expires_after_days} days"
    stores = [f"{account} as {product}" for account, product in view.store_products.items()]
    places = [*(name for name in view.providers if name not in view.store_products), *stores]
    if places:
        yield f", through {', '.join(places)}"
    if not view.active:
        yield ", not sold"
