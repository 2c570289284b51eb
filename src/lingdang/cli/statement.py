"""`lingdang statement`."""

import asyncio
from pathlib import Path

import click
import msgspec

from lingdang.cli.arguments import CUST_ID
from lingdang.cli.opening import opened
from lingdang.db.pool import Connection, Pool, connect_options
from lingdang.deployment import Deployment, make_statements
from lingdang.errors import CommandError, Problem
from lingdang.identity.customers import known_customer
from lingdang.ids import DEFAULT_CURRENCY, bucket_of
from lingdang.journal.statement import verify_file
from lingdang.journal.statements import Wanted, checked_currency, read_period
from lingdang.signer import SignatureError, read_jwks


@click.group()
def statement() -> None:
    """Signed statements of account, which anybody verifies offline."""


@statement.command()
@click.argument("cust_id", metavar="CUSTID", type=CUST_ID)
@click.option("--currency", default=DEFAULT_CURRENCY, show_default=True)
@click.option("--from", "since", metavar="MOMENT", help="A day or a moment. [default: the beginning]")
@click.option("--to", "until", metavar="MOMENT", help="Before this day or moment. [default: now]")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), required=True, help="The file to write.")
@click.pass_context
def issue(ctx: click.Context, cust_id: str, currency: str, since: str | None, until: str | None, out: Path) -> None:
    """Write the statement of the wallet of CUSTID: a JWS on each line, each going on from the one before."""
    with opened(ctx) as deployment:
        pages = asyncio.run(_issue(deployment, cust_id, currency, since, until))
    out.write_text("".join(f"{page}\n" for page in pages), encoding="ascii")
    click.echo(f"{out}: {len(pages)} page{'s' if len(pages) > 1 else ''}")


async def _issue(
    deployment: Deployment, cust_id: str, currency: str, since: str | None, until: str | None
) -> list[str]:
    """Every page of a statement, as JWS. Raises CommandError with the refusal's sentence."""
    now = deployment.clock()
    statements = make_statements(deployment)
    options = connect_options(deployment.settings.pgbouncer)
    try:
        start, end = read_period(since, until, now, deployment.settings.zone)
        async with Pool(deployment.database_url, 1, deployment.settings.pgbouncer) as pool:
            customer = await known_customer(pool, cust_id)
        bucket = bucket_of(customer.key, deployment.buckets)
        wanted = Wanted(bucket, customer, checked_currency(currency), start, end)
        pages = []
        async with await Connection.connect(deployment.database_url, **options) as connection:
            while True:
                page = await statements.make(connection, wanted, now)
                pages.append(page.statement)
                if page.next_seq is None:
                    return pages
                wanted = wanted._replace(after=page.next_seq)
    except Problem as problem:
        raise CommandError(_sentence(problem)) from None


def _sentence(problem: Problem) -> str:
    if problem.code == "not_found":
        return "nobody has heard of this customer"
    if problem.code == "internal_error":
        return "the journal contradicts its seals, and is not signed: run `lingdang reconcile`"
    errors = problem.members.get("errors") or [{"field": "", "message": problem.kind.detail}]
    return f"{errors[0]['field']}: {errors[0]['message']}"


@statement.command("verify")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--jwks",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    required=True,
    help="What the shop published at /.well-known/jwks.json.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the statements as JSON.")
def verify_(file: Path, jwks: Path, as_json: bool) -> None:
    """Verify a statement FILE offline: signatures, sums, balances, chain, and that its pages join up.

    Exits with 1, and says why, when anything is wrong.
    """
    try:
        text = file.read_bytes().decode("ascii", errors="replace")
        pages = verify_file(text, read_jwks(jwks.read_bytes()))
    except SignatureError as error:
        raise CommandError(f"{file}: refused: {error}") from None
    if as_json:
        click.echo(msgspec.json.encode(pages).decode())
        return
    first, last = pages[0], pages[-1]
    count = sum(len(page.transfers) for page in pages)
    click.echo(f"{first.sub}, {first.currency}, {first.from_} to {last.to}, issued by {first.iss}")
    click.echo(f"opening {first.opening.balance}, {count} transfers, closing {last.closing.balance}: sound")
    if last.sealed_to < last.closing.seq:
        click.echo(f"sealed up to transfer {last.sealed_to} of {last.closing.seq} when it was issued")
