"""`lingdang reconcile`, `lingdang journal` and `lingdang statement`."""

import asyncio
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import click
import msgspec
import psycopg
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

from lingdang.app import Deployment, make_sealer, make_statements, make_witness
from lingdang.commands import CUST_ID, CommandError, opened
from lingdang.db.pool import Connection, connect_options, make_pool
from lingdang.errors import Problem
from lingdang.identity.customers import known_customer
from lingdang.ids import DEFAULT_CURRENCY, bucket_of
from lingdang.journal.seals import SealKeys
from lingdang.journal.statement import verify_file
from lingdang.journal.statements import Wanted, checked_currency, read_period
from lingdang.journal.verifying import Sealed, Verifier
from lingdang.ledger.reconcile import Difference, Report, count_wallets
from lingdang.ledger.reconcile import reconcile as compare
from lingdang.signer import SignatureError, Signer, read_jwks


class Findings(msgspec.Struct, frozen=True):
    """The report as printed: what was compared, how much of it is sealed, and every difference."""

    customers: int
    orders: int
    transfers: int
    sealed: int
    unsealed: int
    seals: int
    checkpoints: int
    differences: list[Difference]


@click.command()
@click.option(
    "--witness",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A checkpoint kept elsewhere. [default: the one that the server keeps beside the keyring]",
)
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
@click.pass_context
def reconcile(ctx: click.Context, witness: Path | None, as_json: bool) -> None:
    """Compare every balance with its lots and entries, every order with its debit and entitlements.

    Then every transfer, with what it paid or booked, is compared with its seal, and the seals with their signatures.
    Exits with 1 when there is any difference.
    """
    with opened(ctx) as deployment:
        findings = _compare(deployment, witness)
    if as_json:
        click.echo(msgspec.json.encode(findings).decode())
    else:
        _print(findings)
    if findings.differences:
        ctx.exit(1)


def _print(findings: Findings) -> None:
    for difference in findings.differences:
        click.echo(f"{difference.check}: {difference.cust_id or '-'}: {difference.detail}")
    click.echo(
        f"{findings.customers} wallets, {findings.orders} orders, {findings.transfers} transfers: "
        f"{len(findings.differences) or 'no'} differences"
    )
    click.echo(f"{findings.sealed} transfers sealed in {findings.seals} seals, {findings.unsealed} not yet", err=True)


def _compare(deployment: Deployment, witness: Path | None) -> Findings:
    options = connect_options(deployment.settings.pgbouncer)
    kept = witness.read_text(encoding="ascii", errors="replace").strip() if witness else make_witness(deployment).read()
    bar = Progress(
        "[progress.description]{task.description}",
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
    )
    with psycopg.connect(deployment.database_url, **options) as connection, bar:
        total = count_wallets(connection) or None
        books = bar.add_task("Reconciling", total=total)
        report = compare(connection, lambda done: bar.update(books, advance=done))
        seals = bar.add_task("Verifying the seals", total=total)
        sealed = verify_seals(deployment, connection, kept, lambda done: bar.update(seals, advance=done))
    return _joined(report, sealed)


def verify_seals(
    deployment: Deployment,
    connection: psycopg.Connection[Any],
    witness: str | None,
    progress: Callable[[int], None] = lambda _: None,
) -> Sealed:
    """The journal against its seals, with the deployment's keys. `connection` is in autocommit mode."""
    keyring = deployment.keyring
    overdue_before = deployment.clock() - timedelta(seconds=deployment.settings.seal_deadline_seconds)
    verifier = Verifier(connection, SealKeys(keyring), Signer(keyring).public_keys(), overdue_before)
    return verifier.verify(witness, progress)


def _joined(report: Report, sealed: Sealed) -> Findings:
    return Findings(
        report.customers,
        report.orders,
        report.transfers,
        sealed.sealed,
        sealed.unsealed,
        sealed.seals,
        sealed.checkpoints,
        [*report.differences, *sealed.differences],
    )


@click.group()
def journal() -> None:
    """The journal's seals."""


@journal.command()
@click.option("--json", "as_json", is_flag=True, help="Print the figures as JSON.")
@click.pass_context
def seal(ctx: click.Context, as_json: bool) -> None:
    """Seal everything that is not sealed yet, as a running server does every few seconds, and say how long it took."""
    with opened(ctx) as deployment:
        transfers, seconds = asyncio.run(seal_now(deployment))
    rate = round(transfers / seconds) if transfers else 0
    if as_json:
        click.echo(msgspec.json.encode({"transfers": transfers, "seconds": seconds, "perSecond": rate}).decode())
    else:
        click.echo(f"{transfers} transfers sealed in {seconds:.1f} s, {rate} a second")


async def seal_now(deployment: Deployment) -> tuple[int, float]:
    """Seal from outside a server: the transfers sealed and the seconds it took. Raises CommandError."""
    started = time.perf_counter()
    try:
        async with make_pool(deployment.database_url, 2, deployment.settings.pgbouncer) as pool:
            sealer = make_sealer(deployment, pool)
            await sealer.round()
            seconds = time.perf_counter() - started
            await sealer.round()  # the witness takes down where the log stands now
            return sealer.sealed, seconds
    except Problem as problem:
        raise CommandError(problem.kind.detail) from None


@journal.command()
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="A file for it. [default: printed]")
@click.pass_context
def checkpoint(ctx: click.Context, out: Path | None) -> None:
    """Print the newest checkpoint: kept elsewhere, it tells `reconcile --witness` whether anything was undone since."""
    with opened(ctx) as deployment:
        jws = newest_checkpoint(deployment)
    if jws is None:
        raise CommandError("nothing is sealed yet")
    if out is None:
        click.echo(jws)
    else:
        out.write_text(jws + "\n", encoding="ascii")


def newest_checkpoint(deployment: Deployment) -> str | None:
    """The newest checkpoint's JWS; None before the first."""
    options = connect_options(deployment.settings.pgbouncer)
    with psycopg.connect(deployment.database_url, **options) as connection:
        row = connection.execute("SELECT jws FROM seal_checkpoint ORDER BY number DESC LIMIT 1").fetchone()
    return None if row is None else str(row[0])


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
        pages = asyncio.run(issue_now(deployment, cust_id, currency, since, until))
    out.write_text("".join(f"{page}\n" for page in pages), encoding="ascii")
    click.echo(f"{out}: {len(pages)} page{'s' if len(pages) > 1 else ''}")


async def issue_now(
    deployment: Deployment, cust_id: str, currency: str, since: str | None, until: str | None
) -> list[str]:
    """Every page of a statement, as JWS. Raises CommandError with the refusal's sentence."""
    now = deployment.clock()
    statements = make_statements(deployment)
    options = connect_options(deployment.settings.pgbouncer)
    try:
        start, end = read_period(since, until, now, deployment.settings.zone)
        async with make_pool(deployment.database_url, 1, deployment.settings.pgbouncer) as pool:
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
    errors = problem.members.get("errors") or [{"path": "", "message": problem.kind.detail}]
    return f"{errors[0]['path'].removeprefix('$.')}: {errors[0]['message']}"


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
