"""`lingdang catalog import FILE`: the command line over importing."""

from pathlib import Path
from typing import Any

import click
import msgspec
import psycopg
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

from lingdang.catalog.importing import Counts, Rejected, import_products
from lingdang.catalog.mapping import ColumnMapping, MappingError, Shape, pairs
from lingdang.catalog.rows import FileError, Format, Source, format_of
from lingdang.commands import opened
from lingdang.db.pool import connect_options
from lingdang.demo.books import book


class Report(msgspec.Struct, frozen=True, rename="camel"):
    """What `--json` prints."""

    counts: Counts
    rejections: list[Rejected]
    ignored_columns: list[str]


@click.group()
def catalog() -> None:
    """What is sold."""


@catalog.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--format", "kind", type=click.Choice(["csv", "jsonl"]), help="Else told by the file's name.")
@click.option("--map", "maps", multiple=True, metavar="FIELD=COLUMN", help="Take FIELD from COLUMN.")
@click.option("--default", "defaults", multiple=True, metavar="FIELD=VALUE", help="FIELD where a row has none.")
@click.option("--preset", type=click.Choice(["goodbooks"]), help="A known file, with all its fields.")
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
@click.pass_context
def import_command(
    ctx: click.Context,
    file: Path,
    kind: Format | None,
    maps: tuple[str, ...],
    defaults: tuple[str, ...],
    preset: str | None,
    as_json: bool,
) -> None:
    """Import products from a CSV file (UTF-8, first line names the columns) or JSON Lines.

    \b
    FIELD   productId, title, price (these three are needed), listPrice, currency,
            publisher, intro, coverUrl, onSaleFrom, onSaleUntil, status, popularity,
            or attributes.NAME. A column of the same name needs no --map.
    COLUMN  a column's name, or a pattern over columns: --map 'productId=book-{id}'

    Every bad row is named by its line and the reason, and the good ones are kept; of rows with the same productId the
    first one stands. The same import again changes nothing, and one that was broken off can simply be repeated.

    Exit code: 0 when every row was taken, 1 when any was rejected or the database failed, 2 for an unusable file.
    """
    try:
        shape = _shape(maps, defaults, preset)
        source = Source(file, kind or format_of(file))
    except (MappingError, FileError, OSError) as error:
        raise click.UsageError(str(error)) from None
    try:
        counts, rejections = _import(ctx, source, shape, as_json)
    except FileError as error:
        raise click.UsageError(f"{file}: {error}") from None
    finally:
        source.close()
    ignored = sorted(shape.ignored) if isinstance(shape, ColumnMapping) else []
    if as_json:
        click.echo(msgspec.json.encode(Report(counts, rejections, ignored)))
    else:
        _print(counts, ignored)
    if counts.rejected:
        ctx.exit(1)


def _shape(maps: tuple[str, ...], defaults: tuple[str, ...], preset: str | None) -> Shape:
    if preset is None:
        return ColumnMapping(pairs(maps), pairs(defaults))
    if maps or defaults:
        raise MappingError("--preset knows all fields: use it without --map and --default")
    return book


def _import(ctx: click.Context, source: Source, shape: Shape, as_json: bool) -> tuple[Counts, list[Rejected]]:
    """Import with a bar over the file's bytes on standard error; rejections are kept only for the JSON report."""
    console = Console(stderr=True, highlight=False, soft_wrap=True)
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    rejections: list[Rejected] = []
    with opened(ctx) as deployment, Progress(*columns, console=console, transient=True) as progress:
        bar = progress.add_task("Importing", total=source.size)

        def reject(rejected: Rejected) -> None:
            if as_json:
                rejections.append(rejected)
            else:
                progress.console.print(f"line {rejected.line}: {rejected.reason}", markup=False)

        options: dict[str, Any] = connect_options(deployment.settings.pgbouncer)
        with psycopg.connect(deployment.database_url, **options) as connection:
            counts = import_products(
                connection,
                source,
                shape,
                deployment.clock(),
                on_rejected=reject,
                on_progress=lambda position: progress.update(bar, completed=position),
            )
    return counts, rejections


def _print(counts: Counts, ignored: list[str]) -> None:
    click.echo(
        f"{counts.created} created, {counts.updated} updated, {counts.unchanged} unchanged, {counts.rejected} rejected"
    )
    if ignored:
        click.echo(f"Columns not used: {', '.join(ignored)} (see --map)")
