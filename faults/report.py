"""The table of outcomes, for the terminal and for docs/faults.md."""

import re
import statistics
from collections.abc import Sequence
from pathlib import Path

from bench.load import percentile
from faults.run import Outcome

PAGE = Path("docs/faults.md")
BEGIN, END = "<!-- faults: begin -->", "<!-- faults: end -->"
_HEAD = (
    "| kind | count | acknowledged | repeated | found done | lost | doubled"
    " | first payment: median / p99 / max s | every customer: median / p99 / max s |"
)
_RULE = "| --- |" + " ---: |" * 8
_ROW = re.compile(r"^\| ([a-z-]+) \| .*$", re.MULTILINE)


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


def table(rows: Sequence[str]) -> str:
    """The rows under their head, in Markdown."""
    return "\n".join((_HEAD, _RULE, *rows))


def write_into(page: Path, outcome: Outcome) -> None:
    """Put the outcome's row into the marked table, in place of the kind's former one."""
    text = page.read_text(encoding="utf-8")
    before, _, rest = text.partition(BEGIN)
    measured, _, after = rest.partition(END)
    rows = {found[1]: found[0] for found in _ROW.finditer(measured) if found[1] != "kind"}
    rows[name(outcome)] = row(outcome)
    page.write_text(f"{before}{BEGIN}\n\n{table(list(rows.values()))}\n\n{END}{after}", encoding="utf-8")


def _times(seconds: list[float]) -> str:
    if not seconds:
        return "–"
    ordered = sorted(seconds)
    return f"{statistics.median(ordered):.2f} / {percentile(ordered, 0.99):.2f} / {ordered[-1]:.2f}"
