"""The table at the end."""

from collections import Counter

from rich.console import Console
from rich.table import Table

from proof.attacks.target import ACCEPTED, Tally, Tried

_SHOWN = 5
_LENGTH = 3000


def show(console: Console, tally: Tally, seed: int, seconds: float, *, in_full: bool = False) -> None:
    """Every target and kind with its outcomes, and the alterations that were not refused."""
    console.print(_table(tally))
    for tried in tally.broken[:_SHOWN]:
        _show_broken(console, tried, seed, None if in_full else _LENGTH)
    total = sum(tally.outcomes.values())
    accepted = sum(n for (_, _, outcome), n in tally.outcomes.items() if outcome == ACCEPTED)
    broken = "" if not tally.broken else f", {len(tally.broken)} or more not refused as they should be"
    console.print(
        f"seed {seed}: {total} alterations, {len(tally.distinct)} of them distinct, in {seconds:.0f} s, "
        f"{accepted} accepted{broken}",
        highlight=False,
    )


def _table(tally: Tally) -> Table:
    table = Table("target", "alteration")
    for heading in ("tried", "accepted"):
        table.add_column(heading, justify="right")
    table.add_column("refused by")
    rows: dict[tuple[str, str], Counter[str]] = {}
    for (target, kind, outcome), number in sorted(tally.outcomes.items()):
        rows.setdefault((target, kind), Counter())[outcome] += number
    for (target, kind), outcomes in rows.items():
        refused = ", ".join(f"{code} {n}" for code, n in outcomes.most_common() if code != ACCEPTED)
        table.add_row(target, kind, str(outcomes.total()), str(outcomes[ACCEPTED]), refused)
    return table


def _show_broken(console: Console, tried: Tried, seed: int, length: int | None) -> None:
    again = f"python -m proof.attacks --seed {seed} --number {tried.number}"
    console.print(f"{tried.target}, {tried.kind}: {tried.outcome}\n  {tried.altered[:length]}\n  {again}", markup=False)
