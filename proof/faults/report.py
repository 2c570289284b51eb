"""The table of outcomes, for the terminal and for docs/faults.md."""

import re
import statistics
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from proof.bench.load import percentile
from proof.faults.run import Outcome

PAGE = Path("docs/faults.md")


class Table(NamedTuple):
    """A table in Markdown with one row for each kind. In a page it stands between two marks of its name."""

    name: str
    head: str

    def show(self, rows: Sequence[str]) -> str:
        """The rows under their head."""
        return "\n".join((self.head, "| --- |" + " ---: |" * (self.head.count("|") - 2), *rows))


FAULTS = Table(
    "faults",
    "| kind | count | acknowledged | repeated | found done | lost | doubled"
    " | first payment: median / p99 / max s | every customer: median / p99 / max s |",
)
_ROW = re.compile(r"^\| ([a-z][a-z-]*) \| .*$", re.MULTILINE)


def name(outcome: Outcome) -> str:
    """The kinds that were mixed, or the one."""
    return "-".join(dict.fromkeys(outcome.kinds))


def row(outcome: Outcome) -> str:
    """One line of the table."""
    verdict = outcome.verdict
    cells = (
        name(outcome),
        len(outcome.kinds),
        f"{verdict.acknowledged:,}",
        f"{outcome.repeated:,}",
        outcome.replayed,
        verdict.lost,
        verdict.doubled,
        _times([times.first for times in outcome.times]),
        _times([times.whole for times in outcome.times]),
    )
    return "| " + " | ".join(map(str, cells)) + " |"


def write_into(page: Path, outcome: Outcome) -> None:
    """Put the outcome's row into the marked table, in place of the kind's former one."""
    put_row(page, FAULTS, name(outcome), row(outcome))


def put_row(page: Path, table: Table, kind: str, row: str) -> None:
    """Put a kind's row into the page's table, in place of its former one or at the end."""
    begin, end = (f"<!-- {table.name}: {mark} -->" for mark in ("begin", "end"))
    before, _, rest = page.read_text(encoding="utf-8").partition(begin)
    measured, _, after = rest.partition(end)
    rows = {found[1]: found[0] for found in _ROW.finditer(measured) if found[1] != "kind"}
    rows[kind] = row
    page.write_text(f"{before}{begin}\n\n{table.show(list(rows.values()))}\n\n{end}{after}", encoding="utf-8")


def _times(seconds: list[float]) -> str:
    if not seconds:
        return "–"
    ordered = sorted(seconds)
    return f"{statistics.median(ordered):.2f} / {percentile(ordered, 0.99):.2f} / {ordered[-1]:.2f}"
