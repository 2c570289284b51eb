"""The report: a table in Markdown, the same figures as JSON, and what fell short."""

import platform
import re
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import msgspec

from proof.bench import goals
from proof.bench.disk import BYTES
from proof.bench.figures import PAIRS, Row, Spread, Window, paired, spread
from proof.bench.rounds import Statements

BEGIN, END = "<!-- measured: begin -->", "<!-- measured: end -->"

_HEAD = (
    "workload",
    "a second",
    "× pgbench",
    "p50 ms",
    "p99 ms",
    "batch",
    "WAL bytes",
    "server µs",
    "PostgreSQL µs",
    "generator µs",
    "generator",
)


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """Everything about one run, as it is kept."""

    machine: dict[str, str]
    database: dict[str, str]
    settings: dict[str, Any]
    windows: list[Window]
    statements: Statements | None
    reconciled: str
    faults: list[str]
    yardsticks: list[float] = []
    """Seconds that a fixed piece of work took, before each window."""
    disk: list[float] = []
    """Seconds that the disk by itself lets a request wait, at the 99th percentile, before each paced window."""


def machine() -> dict[str, str]:
    """Versions and the processor."""
    packages = ("lingdang", "litestar", "uvicorn", "uvloop", "httptools", "psycopg", "msgspec")
    return {
        "processor": _processor(),
        "kernel": f"{platform.system()} {platform.release()}",
        "python": f"{platform.python_version()} ({platform.python_compiler()})",
        **{name: version(name) for name in packages},
    }


def _processor() -> str:
    try:
        found = re.search(r"^model name\s*: (.+)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    except OSError:
        found = None
    return found[1] if found else platform.processor() or platform.machine()


def table(rows: Sequence[Row]) -> str:
    """The rows in Markdown, columns aligned."""
    lines = [_HEAD, *map(_cells, rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(_HEAD))]
    rule = ["-" * width + ":" if column else "-" * (width + 1) for column, width in enumerate(widths)]
    body = [_line(cells, widths) for cells in lines]
    return "\n".join([body[0], "|" + "|".join(f" {dashes}" for dashes in rule) + "|", *body[1:]])


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    padded = [
        cells[0].ljust(widths[0]),
        *(cell.rjust(width) for cell, width in zip(cells[1:], widths[1:], strict=True)),
    ]
    return "| " + " | ".join(padded) + " |"


def _cells(row: Row) -> tuple[str, ...]:
    ours = not row.name.startswith("pgbench")
    return (
        row.name,
        _spread(row.rate, ",.0f"),
        _spread(row.ratio, ".2f") if row.ratio else "–",
        _milliseconds(row.latency("p50")) if ours else f"mean {row.windows[0].mean * 1000:.2f}",
        _milliseconds(row.latency("p99")) if ours else "–",
        f"{row.batch:.1f}" if row.batch else "–",
        f"{row.each('wal_bytes'):,.0f}",
        f"{row.each('server_cpu') * 1e6:.0f}" if ours else "–",
        f"{row.each('postgres_cpu') * 1e6:.0f}",
        f"{row.each('generator_cpu') * 1e6:.0f}",
        f"{max(window.generator_share for window in row.windows):.0%}",
    )


def _spread(values: Spread, form: str) -> str:
    least, median, most = (format(value, form) for value in values)
    return median if least == most else f"{median} ({least}–{most})"


def _milliseconds(seconds: float | None) -> str:
    return "–" if seconds is None else f"{seconds * 1000:.1f}"


def page(report: Report, rows: Sequence[Row]) -> str:
    """What docs/performance.md shows of the report; what is hot stands among the goals."""
    parts = [
        _facts(report),
        goals.table(goals.reached(report.windows)),
        table([row for row in rows if "-hot" not in row.name]),
        f"Reconciliation: {report.reconciled}.",
    ]
    return "\n\n".join(parts)


def text(report: Report, rows: Sequence[Row]) -> str:
    """The whole report in Markdown."""
    parts = [
        _facts(report),
        goals.table(goals.reached(report.windows)),
        table(rows),
        f"Processes that are no part of the benchmark used at most {_most_others(rows):.0%} of the machine.",
        *_speed(report.yardsticks),
        *_disk(report.disk),
        *_with_vouchers(report.windows),
        *_counted(report.statements),
        f"Reconciliation: {report.reconciled}.",
        *(f"FAULT: {fault}" for fault in report.faults),
    ]
    return "\n\n".join(parts)


def _facts(report: Report) -> str:
    """On what it was measured."""
    facts = [*report.machine.items(), *report.database.items(), *report.settings.items()]
    return "; ".join(f"{name} {value}" for name, value in facts) + "."


def _speed(yardsticks: Sequence[float]) -> list[str]:
    """How fast the machine itself was."""
    if not yardsticks:
        return []
    return [f"A fixed piece of work took {_in_ms(yardsticks)} before the windows: the machine's own speed."]


def _disk(disk: Sequence[float]) -> list[str]:
    """How long the disk itself made wait."""
    if not disk:
        return []
    return [
        f"The disk by itself, before the paced windows: whoever waits for a sync of {BYTES // 1024} KiB waits for "
        f"{_in_ms(disk)} at the 99th percentile."
    ]


def _in_ms(seconds: Sequence[float]) -> str:
    least, median, most = (f"{each * 1000:.1f}" for each in spread(seconds))
    return f"{median} ms ({least}–{most})"


def _with_vouchers(windows: Sequence[Window]) -> list[str]:
    """How fast the workloads with vouchers or something hot are, over those without."""
    ratios = [
        f"{name} {_spread(values, '.2f')} × {PAIRS[name.split('/')[0]]}" for name, values in paired(windows).items()
    ]
    return [f"Side by side, by round: {'; '.join(ratios)}."] if ratios else []


def _most_others(rows: Sequence[Row]) -> float:
    return max((window.others_share for row in rows for window in row.windows), default=0.0)


def _counted(statements: Statements | None) -> list[str]:
    if statements is None or not statements.payments:
        return []
    return [
        f"Counted in the server's statement log, in a run of its own: {statements.statements} statements in "
        f"{statements.transactions} transactions for {statements.payments} payments, "
        f"{statements.statements / statements.payments:.3f} statements and "
        f"{statements.transactions / statements.payments:.3f} transactions a payment, at batches of "
        f"{statements.batch:.1f}."
    ]


def store(report: Report, directory: Path, name: str) -> Path:
    """Keep the figures as JSON."""
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / f"{name}.json"
    path.write_bytes(msgspec.json.format(msgspec.json.encode(report), indent=1))
    return path


def write_into(page: Path, measured: str) -> None:
    """Put the report between the page's two marks."""
    old = page.read_text(encoding="utf-8")
    before, _, rest = old.partition(BEGIN)
    after = rest.partition(END)[2]
    page.write_text(f"{before}{BEGIN}\n\n{measured}\n\n{END}{after}", encoding="utf-8")
