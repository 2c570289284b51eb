"""`lingdang reconcile`."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import click
import msgspec
import psycopg
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

from lingdang.cli.opening import opened
from lingdang.db.pool import connect_options
from lingdang.deployment import Deployment, make_witness
from lingdang.journal.seals import SealKeys
from lingdang.journal.verifying import Sealed, Verifier
from lingdang.ledger.reconcile import Difference, Report, count_wallets
from lingdang.ledger.reconcile import reconcile as compare
from lingdang.signer import Signer


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
