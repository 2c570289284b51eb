"""A table of goals as the commands beside `python -m proof.bench` print it."""

from collections.abc import Sequence
from typing import NamedTuple

from proof.bench.figures import Spread


class Line(NamedTuple):
    """One goal. `most`: the figure may not be above the aim, instead of below."""

    text: str
    aim: float
    seen: Spread
    most: bool = False

    @property
    def reached(self) -> bool:
        return self.seen.median <= self.aim if self.most else self.seen.median >= self.aim


def show(lines: Sequence[Line]) -> str:
    """In Markdown: goal, figure with its spread, and whether the median reaches it."""
    rows = ["| goal | aim | seen (least–most) | |", "| --- | ---: | ---: | --- |"]
    for line in lines:
        sign = "≤" if line.most else "≥"
        digits = 0 if line.aim >= 25 else 2
        least, median, most = (f"{value:,.{digits}f}" for value in line.seen)
        verdict = "reached" if line.reached else "short"
        rows.append(f"| {line.text} | {sign} {line.aim:g} | {median} ({least}–{most}) | {verdict} |")
    return "\n".join(rows)
