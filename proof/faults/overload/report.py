"""The tables of outcomes, for the terminal and for docs/faults.md."""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from proof.faults.overload.run import Outcome, Phase
from proof.faults.report import Table, put_row

PAGE = Path("docs/faults.md")
PURCHASES = Table(
    "overload",
    "| kind | connections | purchases/s before | during | after | before idle loops | beside them"
    " | left: attack / idle loops | longest gap s | refused | workers ended |",
)
COSTS = Table(
    "overload-costs",
    "| kind | cores: attackers + shop / idle loops / others' meanwhile | workers' MB before / peak / after"
    " | newcomers in, slowest s / shut out | attackers were answered |",
)
_MOST_ANSWERS = 5


def rows(outcome: Outcome) -> dict[Table, str]:
    """One line for each table."""
    return {PURCHASES: _line(outcome.kind, *_purchases(outcome)), COSTS: _line(outcome.kind, *_costs(outcome))}


def write_into(page: Path, outcome: Outcome, cores: int) -> None:
    """Put the outcome's rows into the page's tables, in place of the kind's former ones; one core has its own."""
    for table, row in rows(outcome).items():
        name = f"{table.name}-one-core" if cores == 1 else table.name
        put_row(page, table._replace(name=name), outcome.kind, row)


def _purchases(outcome: Outcome) -> tuple[str, ...]:
    before, during, after, idle_before, idle_during = map(_rate, _phases(outcome))
    return (
        f"{outcome.connections:,}",
        *(_bare(rate) for rate in (before, during, after, idle_before, idle_during)),
        f"{_share(during, before)} / {_share(idle_during, idle_before)}",
        f"{max(each.longest_gap for each in outcome.rounds):.2f}",
        _answers(sum((each.refusals for each in outcome.rounds), Counter())) or "0",
        str(outcome.workers_ended),
    )


def _costs(outcome: Outcome) -> tuple[str, ...]:
    rounds = outcome.rounds
    _, during, _, _, beside = _phases(outcome)
    attackers = _cores(sum(each.attacked.cpu_seconds for each in rounds), during)
    shop = _cores(sum(each.server_seconds for each in rounds), during)
    burnt = _cores(sum(each.idle.burnt for each in rounds if each.idle), beside)
    others = " and ".join(_cores(sum(phase.others for phase in phases), phases) for phases in (during, beside))
    memory = (
        rounds[0].memory_before,
        max(each.memory_peak for each in rounds),
        rounds[-1].memory_after,
    )
    newcomers = [each.newcomers for each in rounds]
    shut_out = _answers(sum((each.shut_out for each in newcomers), Counter())) or "0"
    return (
        f"{attackers} + {shop} / {burnt} / {others}",
        " / ".join(f"{size / 2**20:,.0f}" for size in memory),
        f"{sum(each.entered for each in newcomers)}, {max(each.slowest for each in newcomers):.2f} / {shut_out}",
        _answers(sum((Counter(each.attacked.answers) for each in rounds), Counter())),
    )


def _phases(outcome: Outcome) -> tuple[list[Phase], ...]:
    """All rounds' before, during and after, and those before and beside idle loops."""
    idle = [each.idle for each in outcome.rounds if each.idle is not None]
    rounds = outcome.rounds
    return (
        [each.before for each in rounds],
        [each.during for each in rounds],
        [each.after for each in rounds],
        [each.before for each in idle],
        [each.during for each in idle],
    )


def _seconds(phases: Sequence[Phase]) -> float:
    return sum(phase.span.seconds for phase in phases)


def _rate(phases: Sequence[Phase]) -> float | None:
    """Purchases a second; None where nothing was measured."""
    return sum(phase.paid for phase in phases) / _seconds(phases) if phases else None


def _cores(cpu_seconds: float, phases: Sequence[Phase]) -> str:
    return f"{cpu_seconds / _seconds(phases):.2f}" if phases else "–"


def _bare(rate: float | None) -> str:
    return "–" if rate is None else f"{rate:,.0f}"


def _share(part: float | None, whole: float | None) -> str:
    return f"{part / whole:.0%}" if part is not None and whole else "–"


def _answers(counts: Mapping[str, int]) -> str:
    """The most frequent ones."""
    ordered = sorted(counts.items(), key=lambda item: -item[1])
    return ", ".join(f"{name}: {count:,}" for name, count in ordered[:_MOST_ANSWERS])


def _line(*cells: str) -> str:
    return "| " + " | ".join(cells) + " |"
