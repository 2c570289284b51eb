"""`lingdang move-in`: the command line over moving in, and over its undoing."""

from pathlib import Path
from typing import Any, BinaryIO, get_args

import click
import msgspec
import psycopg
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TaskProgressColumn, TextColumn, TimeRemainingColumn

from lingdang.catalog.encodings import Encoding
from lingdang.catalog.rows import FileError
from lingdang.cli.explaining import explanation
from lingdang.cli.opening import opened
from lingdang.errors import Problem
from lingdang.moving import moving_in, undoing
from lingdang.moving.form import NAME_PATTERN, NAME_RULE, Refused
from lingdang.moving.former_names import Meaning
from lingdang.moving.moving_in import Report, Watching
from lingdang.moving.totals import Control, ShopTotals, Sum

SHOWN = 20
"""Refused rows that are shown; all of them are in the file."""


_OWNED = {"right": "owned anyway", "order": "this shop's own"}
_BOOKED = {"lot": "in the journal", "right": "in the journal", "order": "in the history"}


class _FilesFirst(click.Group):
    """A group whose command may be left out: what is none of its commands' names is the first file."""

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        return super().get_command(ctx, cmd_name) or self.commands["files"]

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if args and args[0] not in (*self.commands, "-h", "--help"):
            args = ["files", *args]
        return super().parse_args(ctx, args)


class _NameType(click.ParamType[str]):
    """The name of a move."""

    name = "name"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        if not NAME_PATTERN.match(value):
            self.fail(NAME_RULE, param, ctx)
        return str(value)


MOVE_NAME = _NameType()


@click.group(name="move-in", cls=_FilesFirst)
def move_in() -> None:
    """Bring customers, bells, rights and orders of before into the shop: lingdang move-in FILE…

    What FILE… may be, and the options, tells `lingdang move-in files --help`. `lingdang move-in undo NAME` takes a
    whole move back.
    """


@move_in.command("files")
@click.argument(
    "files", nargs=-1, required=True, metavar="FILE…", type=click.Path(exists=True, dir_okay=False, path_type=Path)
)
@click.option("--name", type=MOVE_NAME, default="main", show_default=True, help="The name of the move.")
@click.option("--dry-run", is_flag=True, help="Say what would be done, and change nothing.")
@click.option(
    "--refused",
    "refused_file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Where the refused rows go, as JSON Lines. [default: NAME.refused.jsonl]",
)
@click.option(
    "--cust-ids",
    "meaning",
    type=click.Choice(get_args(Meaning)),
    help="Whom a custId means that a renamed customer had: who had it before, or who has it now. [default: who had it "
    "before where the move began before the renaming; rows that could mean another are refused]",
)
@click.option("--encoding", type=click.Choice(get_args(Encoding)), default="utf-8", show_default=True)
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
@click.pass_context
def files_command(
    ctx: click.Context,
    files: tuple[Path, ...],
    name: str,
    dry_run: bool,
    refused_file: Path | None,
    meaning: Meaning | None,
    encoding: Encoding,
    as_json: bool,
) -> None:
    """Move rows in from CSV files (first line names the columns) or JSON Lines, told by their names.

    \b
    kind      fields
    customer  custId, groups, createdAt
    lot       custId, amount, origin (paid or bonus), expiresAt, currency (BELL)
    right     custId, productId
    order     custId, orderId, paidAt, total, lines, currency (BELL), status (paid); in JSON Lines only

    A lot is what a customer has of one currency, origin and expiry. Products must be in the catalogue. Customers whom
    nobody has heard of are added. An order is history: it moves no bells and gives no right.

    The same again changes nothing, and a run that was broken off is simply repeated: under the name of a move each
    lot and each right is booked once. A second source that has the same customers' lots needs a name of its own.

    Exit code: 0 when every row was taken and the totals agree, 1 when not, 2 for an unusable file.
    """
    refused_path = refused_file or Path(f"{name}.refused.jsonl")
    try:
        with opened(ctx) as deployment, _Bars() as bars, _RefusedFile(refused_path, bars.console) as kept:
            watching = Watching(kept.refuse, bars.tell)
            report = moving_in.move_in(deployment, files, name, encoding, watching, meaning=meaning, dry_run=dry_run)
    except FileError as error:
        raise click.UsageError(str(error)) from None
    except (Problem, psycopg.OperationalError) as error:
        raise click.ClickException(f"{explanation(error)}; the same again goes on from here") from None
    if as_json:
        click.echo(msgspec.json.encode(report))
    else:
        _print(report, refused_path)
    if report.refused or not report.agrees:
        ctx.exit(1)


@move_in.command("undo")
@click.argument("name", type=MOVE_NAME)
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
@click.pass_context
def undo_command(ctx: click.Context, name: str, as_json: bool) -> None:
    """Take the whole move NAME back: its bells, its rights, its past orders, its groups.

    Where a customer has spent since, or bells of the move have lapsed, nothing is changed. Every row stays in the
    journal, with another one that takes it back; customers whom the move made known stay known. The name is not used
    again.

    Exit code: 0 when all was taken back, 1 when not.
    """
    try:
        with opened(ctx) as deployment, _Bars() as bars:
            report = undoing.undo(deployment, name, bars.tell)
    except (Problem, psycopg.OperationalError) as error:
        raise click.ClickException(f"{explanation(error)}; the same again goes on from here") from None
    if as_json:
        click.echo(msgspec.json.encode(report))
    else:
        _print_undone(report)
    if report.spent or report.kept:
        ctx.exit(1)


def _print_undone(report: undoing.Undone) -> None:
    if report.spent:
        click.echo(f"Nothing was changed. Bells have been spent, or have lapsed, of: {', '.join(report.spent)}")
        return
    click.echo(
        f"{report.name} undone: {report.credits:,} credits of {report.bells:,} bells, {report.rights:,} rights and "
        f"{report.past_orders:,} past orders taken back; {report.before:,} had been before, "
        f"{report.gone:,} rights were gone"
    )
    for kept in report.kept:
        click.echo(f"{kept.cust_id} keeps {kept.what}: {kept.reason}")


class _Bars:
    """A bar on standard error for each step."""

    def __init__(self) -> None:
        columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
        self.console = Console(stderr=True, highlight=False, soft_wrap=True)
        self._progress = Progress(*columns, console=self.console, transient=True)
        self._tasks: dict[str, TaskID] = {}

    def __enter__(self) -> "_Bars":
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def tell(self, step: str, done: int, of: int) -> None:
        """So much of a step is done."""
        if step not in self._tasks:
            self._tasks[step] = self._progress.add_task(step, total=of)
        self._progress.update(self._tasks[step], completed=done, total=of)


class _RefusedFile:
    """The file of refused rows, which is there once a row is refused; the first ones are shown as well."""

    def __init__(self, path: Path, console: Console) -> None:
        self._path = path
        self._console = console
        self._file: BinaryIO | None = None
        self._rows = 0

    def __enter__(self) -> "_RefusedFile":
        self._path.unlink(missing_ok=True)
        return self

    def __exit__(self, *_: object) -> None:
        if self._file is not None:
            self._file.close()

    def refuse(self, refused: Refused) -> None:
        """Write one row down."""
        self._file = self._file or self._path.open("wb")
        self._file.write(msgspec.json.encode(refused) + b"\n")
        self._rows += 1
        if self._rows <= SHOWN:
            field = f"{refused.field}: " if refused.field else ""
            self._console.print(f"{refused.file}:{refused.line}: {field}{refused.reason}", markup=False)


def _print(report: Report, refused_path: Path) -> None:
    lines = [f"{report.name}{' (dry run: nothing was changed)' if report.dry_run else ''}"]
    lines.append(f"  customers  {report.customers:,}, of them new {report.new_customers:,}")
    if report.followed:
        lines.append(f"  renamed    {report.followed:,} rows went to customers who have another custId now")
    lines += [f"  {_of_control(control, report.dry_run)}" for control in report.controls]
    if report.refused:
        lines.append(f"  refused    {report.refused:,} rows, see {refused_path}")
    lines.append(f"  before     {_of_shop(report.before)}")
    if not report.dry_run:
        lines.append(f"  after      {_of_shop(report.after)}")
        lines.append(f"  {'the totals agree' if report.agrees else 'THE TOTALS DO NOT AGREE'}")
    click.echo("\n".join(lines))


def _of_control(control: Control, dry_run: bool) -> str:
    counted = [(control.given, "given"), (control.before, "moved in before")]
    if control.kind in _OWNED:
        counted.append((control.owned, _OWNED[control.kind]))
    if not dry_run:
        counted += [(control.moved, "moved in now"), (control.booked, _BOOKED[control.kind])]
    parts = [f"{_shown(sum_, control.kind)} {what}" for sum_, what in counted]
    return f"{_named(control)}: {', '.join(parts)}"


def _named(control: Control) -> str:
    if control.kind == "right":
        return "rights"
    if control.kind == "order":
        return f"past orders, {control.currency}"
    return f"lots, {control.currency} {control.origin}"


def _shown(sum_: Sum, kind: str) -> str:
    if kind == "right":
        return f"{sum_.rows:,}"
    return f"{sum_.bells:,}{' bells' if kind == 'lot' else ''} in {sum_.rows:,}"


def _of_shop(totals: ShopTotals) -> str:
    wallets = "; ".join(
        f"{held.currency} {held.origin} {held.bells:,} in {held.lots:,} lots" for held in totals.wallets
    )
    counted = f"{totals.customers:,} customers, {totals.rights:,} rights, {totals.past_orders:,} past orders"
    return f"{counted}; {wallets or 'no bells'}"
