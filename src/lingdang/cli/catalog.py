"""`lingdang catalog import FILE`: the command line over importing."""

from contextlib import closing
from pathlib import Path
from typing import Any, get_args

import click
import msgspec
import psycopg
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

from lingdang.catalog.encodings import Encoding
from lingdang.catalog.importing import Counts, Rejected, import_products
from lingdang.catalog.mapping import ColumnMapping, MappingError, Shape, pairs
from lingdang.catalog.numbers import Notation
from lingdang.catalog.rows import FileError, Format, Source, format_of
from lingdang.cli.explaining import explanation
from lingdang.cli.opening import opened
from lingdang.db.pool import connect_options
from lingdang.demo.books import book

_STANDARD_INPUT = Path("/dev/stdin")


class Report(msgspec.Struct, rename="camel", omit_defaults=True):
    """What `--json` prints. With an `error`, `counts` are of the rows that had been committed."""

    counts: Counts
    rejections: list[Rejected]
    ignored_columns: list[str]
    error: str = ""


@click.group()
def catalog() -> None:
    """What is sold."""


@catalog.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, allow_dash=True, path_type=Path))
@click.option("--format", "kind", type=click.Choice(["csv", "jsonl"]), help="Else told by the file's name.")
@click.option("--encoding", type=click.Choice(get_args(Encoding)), default="utf-8", show_default=True)
@click.option("--map", "maps", multiple=True, metavar="FIELD=COLUMN", help="Take FIELD from COLUMN.")
@click.option("--default", "defaults", multiple=True, metavar="FIELD=VALUE", help="FIELD where there is none.")
@click.option("--thousands", default="", metavar="SIGN", help="Read 1,000 as 1000, where SIGN is the comma.")
@click.option("--decimal", default="", metavar="SIGN", help="Read 25.00 as 25, where SIGN is the dot.")
@click.option("--clear-empty", is_flag=True, help="An empty cell empties its field, instead of leaving it.")
@click.option("--preset", type=click.Choice(["goodbooks"]), help="A known file, with all its fields.")
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
@click.pass_context
def import_command(
    ctx: click.Context,
    file: Path,
    kind: Format | None,
    encoding: Encoding,
    maps: tuple[str, ...],
    defaults: tuple[str, ...],
    thousands: str,
    decimal: str,
    clear_empty: bool,
    preset: str | None,
    as_json: bool,
) -> None:
    """Import products from a CSV file (first line names the columns) or JSON Lines; - reads standard input.

    \b
    FIELD   productId, title, price (a new product needs these three), listPrice, currency,
            publisher, intro, coverUrl, onSaleFrom, onSaleUntil, status, popularity,
            or attributes.NAME. A column of the same name needs no --map.
    COLUMN  a column's name, or a pattern over columns: --map 'productId=book-{id}'

    What a row does not name stays as it is, and so does what it leaves empty: nothing is back on sale unless the file
    says so. Every bad row is named by its line and the reason, and the good ones are kept; of rows with the same
    productId the first one stands. The same import again changes nothing, and one that was broken off can simply be
    repeated.

    Exit code: 0 when every row was taken, 1 when any was rejected or the database failed, 2 for an unusable file.
    """
    try:
        shape = _shape(maps, defaults, preset, Notation(_sign(thousands), _sign(decimal)), clear_empty=clear_empty)
    except MappingError as error:
        raise click.UsageError(str(error)) from None
    report = Report(Counts(), [], [])
    file = _STANDARD_INPUT if file == Path("-") else file
    try:
        with closing(Source(file, kind or format_of(file), encoding)) as source:
            _import(ctx, source, shape, report, as_json)
    except FileError as error:
        report.error, code = f"{file}: {error}", 2
    except psycopg.Error as error:
        report.error, code = explanation(error) or f"the database refused: {error}", 1
    else:
        code = 1 if report.counts.rejected else 0
    report.ignored_columns = sorted(shape.ignored) if isinstance(shape, ColumnMapping) else []
    _print(report, as_json)
    ctx.exit(code)


def _sign(text: str) -> str:
    """A sign between digits. White space of any kind is the space."""
    sign = " " if text and text.isspace() else text
    if len(sign) > 1 or sign.isalnum() or sign == "-":
        raise MappingError(f"{text}: expected one sign, such as . or ,")
    return sign


def _shape(
    maps: tuple[str, ...], defaults: tuple[str, ...], preset: str | None, notation: Notation, *, clear_empty: bool
) -> Shape:
    if preset is None:
        return ColumnMapping(pairs(maps), pairs(defaults), notation, clear_empty=clear_empty)
    if maps or defaults or any(notation) or clear_empty:
        raise MappingError("--preset knows all fields: use it without other options about them")
    return book


def _import(ctx: click.Context, source: Source, shape: Shape, report: Report, as_json: bool) -> None:
    """Import with a bar over the file's bytes on standard error; rejections are kept only for the JSON report."""
    console = Console(stderr=True, highlight=False, soft_wrap=True)
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with opened(ctx) as deployment, Progress(*columns, console=console, transient=True) as progress:
        bar = progress.add_task("Importing", total=source.size)

        def reject(rejected: Rejected) -> None:
            if as_json:
                report.rejections.append(rejected)
            else:
                progress.console.print(f"line {rejected.line}: {rejected.reason}", markup=False)

        options: dict[str, Any] = connect_options(deployment.settings.pgbouncer)
        with psycopg.connect(deployment.database_url, **options) as connection:
            import_products(
                connection,
                source,
                shape,
                deployment.clock(),
                counts=report.counts,
                on_rejected=reject,
                on_progress=lambda position: progress.update(bar, completed=position),
            )


def _print(report: Report, as_json: bool) -> None:
    if as_json:
        click.echo(msgspec.json.encode(report))
        return
    if report.error:
        click.echo(f"Error: {report.error}", err=True)
    counts = report.counts
    click.echo(
        f"{counts.created} created, {counts.updated} updated, {counts.unchanged} unchanged, {counts.rejected} rejected"
    )
    if report.ignored_columns:
        click.echo(f"Columns not used: {', '.join(report.ignored_columns)} (see --map)")
