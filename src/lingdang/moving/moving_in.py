"""Moving in: the rows of files become customers, credits, grants and past orders, each once however often it is sent.

The files are staged beside the shop, what is wrong in them is named, customers are made known, and what the journal
does not have yet goes to the ledger in large batches. Nothing is remembered of how far a run came: what the journal has
is done.
"""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing
from pathlib import Path
from typing import NamedTuple

import msgspec

from lingdang.catalog.encodings import Encoding
from lingdang.catalog.rows import FileError, Source, format_of
from lingdang.deployment import Deployment
from lingdang.errors import Problem, in_one_line
from lingdang.ledger.crediting import Credit
from lingdang.ledger.granting import Grant
from lingdang.ledger.rules import Command, Result
from lingdang.moving import former_names, moves, names, past_orders, staging
from lingdang.moving.carrying import PAGE, carry_out
from lingdang.moving.form import Form, Refused, Staged
from lingdang.moving.former_names import Meaning
from lingdang.moving.staging import Connection, DueRow
from lingdang.moving.totals import Control, Controls, ShopTotals, shop_totals


class Report(msgspec.Struct, rename="camel"):
    """What became of a move: in `refused` rows, in `controls` the good ones, in `before` and `after` the whole shop.

    `followed`: good rows by a custId of before, which went to the renamed customer. `agrees`: the shop has what the
    good rows give. In a dry run nothing was changed, and `after` is `before`.
    """

    name: str
    dry_run: bool
    before: ShopTotals
    after: ShopTotals
    customers: int = 0
    new_customers: int = 0
    followed: int = 0
    refused: int = 0
    controls: list[Control] = []
    agrees: bool = True


class Watching(NamedTuple):
    """Who is told of each refused row, and how far what is: `progress(step, done, of)`."""

    refuse: Callable[[Refused], None]
    progress: Callable[[str, int, int], None]


def move_in(
    deployment: Deployment,
    paths: Sequence[Path],
    name: str,
    encoding: Encoding,
    watching: Watching,
    *,
    meaning: Meaning | None = None,
    dry_run: bool,
) -> Report:
    """Move the files in, in their order. `meaning`: of custIds that renamed customers had.

    Raises FileError for a file that cannot be read, before anything is changed; CommandError for a move that was
    undone; Problem `overloaded` or `outcome_unknown`, or psycopg.Error, when the database fails: the same again goes
    on.
    """
    with moves.session(deployment) as connection:
        moves.join(connection, name)
        return _MoveIn(deployment, connection, name, watching).run(paths, encoding, meaning, dry_run=dry_run)


class _MoveIn:
    """One run."""

    def __init__(self, deployment: Deployment, connection: Connection, name: str, watching: Watching) -> None:
        self._deployment = deployment
        self._connection = connection
        self._name = name
        self._watching = watching
        self._controls = Controls()
        held = shop_totals(connection)
        self._report = Report(name, False, held, held)

    def run(self, paths: Sequence[Path], encoding: Encoding, meaning: Meaning | None, *, dry_run: bool) -> Report:
        report, connection, now = self._report, self._connection, self._deployment.clock()
        report.dry_run = dry_run
        self._stage(paths, encoding)
        files = [str(path) for path in paths]
        former_names.follow(connection, self._name, meaning)
        staging.find_wrong(connection, files)
        report.customers, report.new_customers = names.gather_names(connection, self._name)
        if not dry_run:
            moves.begin(connection, self._name, now)
            self._make_known()
        staging.find_due(connection, self._deployment.buckets, now)
        past_orders.find_due(connection, self._name, now)
        self._controls.count_given(connection)
        if not dry_run:
            self._carry_out()
            self._add_past_orders()
            self._controls.count_booked(connection, self._name)
            report.after = shop_totals(connection)
        for refused in staging.wrong_rows(connection, files):
            self._refuse(refused)
        report.followed = former_names.count_followed(connection)
        report.controls = self._controls.all()
        report.agrees = dry_run or all(control.agrees for control in report.controls)
        return report

    def _stage(self, paths: Sequence[Path], encoding: Encoding) -> None:
        staging.prepare(self._connection)
        form = Form(self._name, self._deployment.settings.zone)
        with ExitStack() as opened:
            sources = [opened.enter_context(closing(_source(path, encoding))) for path in paths]
            total = sum(source.size for source in sources)
            before = 0
            for number, (path, source) in enumerate(zip(paths, sources, strict=True)):
                rows = form.read(source, str(path))
                try:
                    staging.stage(self._connection, number, self._told(rows, source, before, total), self._refuse)
                except FileError as error:
                    raise FileError(f"{path}: {error}") from None
                before += source.size

    def _told(
        self, rows: Iterator[Staged | Refused], source: Source, before: int, total: int
    ) -> Iterator[Staged | Refused]:
        """The rows, while it is told how much of the files has been read."""
        for count, row in enumerate(rows):
            if count % 5000 == 0:
                self._watching.progress("Reading", before + source.position, total)
            yield row

    def _make_known(self) -> None:
        def progress(done: int, of: int) -> None:
            self._watching.progress("Customers", done, of)

        names.make_names_known(
            self._connection, self._name, self._deployment.buckets, self._deployment.clock(), progress
        )

    def _carry_out(self) -> None:
        ledger = [control for control in self._controls.all() if control.kind != "order"]
        due = sum(control.given.rows - control.before.rows - control.owned.rows for control in ledger)

        def rows_after(place: int) -> list[DueRow]:
            return staging.next_due(self._connection, place, PAGE)

        def progress(done: int) -> None:
            self._watching.progress("Moving in", done, due)

        asyncio.run(carry_out(self._deployment, rows_after, self._command, self._count, progress))

    def _add_past_orders(self) -> None:
        def added(currency: str, orders: int, total: int) -> None:
            self._controls.of("order", currency, None).moved.add(orders, total)

        def progress(done: int, of: int) -> None:
            self._watching.progress("Past orders", done, of)

        past_orders.add(self._connection, self._name, self._deployment.buckets, added, progress)

    def _command(self, row: DueRow) -> Command:
        reason = moves.reason_of(self._name)
        if row.kind == "right":
            return Grant(customer=row.customer, grant_id=row.reference, product_id=row.product_id, reason=reason)
        return Credit(
            customer=row.customer,
            credit_id=row.reference,
            currency=row.currency,
            amount=row.amount,
            kind=row.origin,
            expires_at=row.expires_at,
            reason=reason,
        )

    def _count(self, row: DueRow, result: Result) -> None:
        control = self._controls.of(row.kind, row.currency, row.origin)
        bells = row.amount or 0
        if isinstance(result, Problem):
            staging.note_wrong(self._connection, row, in_one_line(result))
            control.given.add(-1, -bells)
        elif result.replayed:
            control.before.add(1, bells)
        elif result.record is None:
            control.owned.add(1, 0)
        else:
            control.moved.add(1, bells)

    def _refuse(self, refused: Refused) -> None:
        self._report.refused += 1
        self._watching.refuse(refused)


def _source(path: Path, encoding: Encoding) -> Source:
    """Raises FileError, which names the file."""
    try:
        return Source(path, format_of(path), encoding)
    except FileError as error:
        raise FileError(f"{path}: {error}") from None
