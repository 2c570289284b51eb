"""`lingdang wallet credit`."""

import asyncio
from datetime import datetime
from zoneinfo import ZoneInfo

import click
import msgspec

from lingdang import moments
from lingdang.backoffice.wallets import CreditAnswer, CreditRequest, credit_wallet
from lingdang.cli.arguments import CUST_ID
from lingdang.cli.database import settings_of
from lingdang.cli.opening import opened
from lingdang.clock import rfc3339
from lingdang.db.pool import Pool
from lingdang.deployment import Deployment, settling
from lingdang.errors import CommandError, Problem
from lingdang.identity.customers import customer_named
from lingdang.ids import DEFAULT_CURRENCY, Customer, uuid7


@click.group()
def wallet() -> None:
    """Credit bells to customers."""


@wallet.command()
@click.argument("cust_id", metavar="CUSTID", type=CUST_ID)
@click.argument("amount", type=click.IntRange(min=1))
@click.option("--reason", required=True, help="Why; kept with the credit.")
@click.option("--kind", type=click.Choice(["paid", "bonus"]), default="paid", show_default=True)
@click.option(
    "--expires",
    metavar="DAY|TIME",
    help="When what is left lapses: at the end of a day (2027-01-31), or at a time (2027-01-31T20:00), in "
    "LINGDANG_TIME_ZONE unless the time says its zone.",
)
@click.option("--currency", default=DEFAULT_CURRENCY, show_default=True)
@click.option("--credit-id", help="Your own id: the same id is booked once, however often it is sent.")
@click.option("--create-customer", is_flag=True, help="Add the customer when nobody has heard of CUSTID.")
@click.option("--json", "as_json", is_flag=True, help="Print the credit as JSON.")
@click.pass_context
def credit(
    ctx: click.Context,
    cust_id: str,
    amount: int,
    reason: str,
    kind: str,
    expires: str | None,
    currency: str,
    credit_id: str | None,
    create_customer: bool,
    as_json: bool,
) -> None:
    """Add AMOUNT bells to the wallet of CUSTID."""
    request = _request(
        creditId=credit_id or str(uuid7()),
        amount=amount,
        kind=kind,
        reason=reason,
        expiresAt=None if expires is None else _end(expires, settings_of(ctx).zone),
        currency=currency,
        createCustomer=create_customer,
    )
    with opened(ctx) as deployment:
        answer, replayed = asyncio.run(_credit(deployment, cust_id, request))
    if as_json:
        click.echo(msgspec.json.encode(answer).decode())
        return
    again = " (booked before; nothing was added)" if replayed else ""
    click.echo(f"{answer.cust_id}: +{answer.amount} {answer.currency} {answer.kind}, balance {answer.balance}{again}")
    if answer.expires_at is not None:
        there = answer.expires_at.astimezone(deployment.settings.zone)
        click.echo(
            f"What is left lapses at {rfc3339(answer.expires_at)} ({there:%Y-%m-%d %H:%M:%S %z}, {there.tzinfo})"
        )


def _end(text: str, zone: ZoneInfo) -> datetime:
    try:
        return moments.read_usable(text, zone, end=True)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--expires") from None


def _request(**fields: object) -> CreditRequest:
    try:
        return msgspec.convert(fields, CreditRequest)
    except msgspec.ValidationError as error:
        raise click.BadParameter(str(error)) from None


async def _credit(deployment: Deployment, cust_id: str, request: CreditRequest) -> tuple[CreditAnswer, bool]:
    """Book one credit through a settlement of its own."""
    async with settling(deployment) as settlement:
        return await credit_wallet(settlement, await _customer(deployment, cust_id, request.create_customer), request)


async def _customer(deployment: Deployment, cust_id: str, create: bool) -> Customer:
    try:
        async with Pool(deployment.database_url, 1, deployment.settings.pgbouncer) as pool:
            return await customer_named(pool, cust_id, create, deployment.clock())
    except Problem as problem:
        if problem.code != "not_found":
            raise
        raise CommandError(f"nobody has heard of the customer {cust_id}: --create-customer adds them") from None
