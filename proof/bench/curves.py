"""Curves as SVG: small enough to be read in a review, light and dark."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple
from xml.sax.saxutils import escape

WIDTH, HEIGHT = 640, 300
LEFT, RIGHT, TOP, BOTTOM = 70, 20, 40, 50
COLOURS = ("#b3541e", "#1e6fb3", "#3d8b40", "#7a3db3")
TICKS = 5
FONT = 'font-family="sans-serif" font-size="12"'

Place = Callable[[float, float], tuple[float, float]]


class Curve(NamedTuple):
    """One line: its name and its points, by rising x."""

    name: str
    points: Sequence[tuple[float, float]]


def draw(path: Path, title: str, across: str, curves: Sequence[Curve]) -> None:
    """Write the curves over one axis from 0. Raises OSError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(svg(title, across, curves), encoding="utf-8")


def svg(title: str, across: str, curves: Sequence[Curve]) -> str:
    """The picture. `across` names the x axis."""
    points = [point for curve in curves for point in curve.points]
    right, top = _round_up(max(x for x, _ in points)), _round_up(max(y for _, y in points))

    def place(x: float, y: float) -> tuple[float, float]:
        return (
            round(LEFT + x / right * (WIDTH - LEFT - RIGHT), 1),
            round(HEIGHT - BOTTOM - y / top * (HEIGHT - TOP - BOTTOM), 1),
        )

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" {FONT}>',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fffdf8"/>',
        f'<text x="{LEFT}" y="18" font-size="14" fill="#222">{escape(title)}</text>',
        f'<text x="{WIDTH / 2}" y="{HEIGHT - 8}" text-anchor="middle" fill="#444">{escape(across)}</text>',
        *_grid(place, right, top),
        *(_line(place, number, curve) for number, curve in enumerate(curves)),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _grid(place: Place, right: float, top: float) -> list[str]:
    parts = []
    for number in range(TICKS + 1):
        y, x = top * number / TICKS, right * number / TICKS
        (x0, level), (x1, _) = place(0, y), place(right, y)
        across, floor = place(x, 0)
        parts.append(f'<path d="M{x0} {level}H{x1}" stroke="#ddd"/>')
        parts.append(f'<text x="{x0 - 8}" y="{level + 4}" text-anchor="end" fill="#444">{_number(y)}</text>')
        parts.append(f'<text x="{across}" y="{floor + 18}" text-anchor="middle" fill="#444">{_number(x)}</text>')
    return parts


def _line(place: Place, number: int, curve: Curve) -> str:
    colour = COLOURS[number % len(COLOURS)]
    placed = [place(x, y) for x, y in curve.points]
    path = "L".join(f"{x} {y}" for x, y in placed)
    dots = "".join(f'<circle cx="{x}" cy="{y}" r="3" fill="{colour}"/>' for x, y in placed)
    label = f'<text x="{LEFT + 10 + 200 * number}" y="34" fill="{colour}">{escape(curve.name)}</text>'
    return f'<path d="M{path}" fill="none" stroke="{colour}" stroke-width="2"/>{dots}{label}'


def _round_up(value: float) -> float:
    """The next of 1, 1.5, 2, 3, 5 and 8 times a power of ten."""
    power = 10.0 ** (len(f"{max(value, 1e-9):.0f}") - 1) if value >= 1 else 0.1
    return next(step * power for step in (1, 1.5, 2, 3, 5, 8, 10) if step * power >= value)


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 10 or value == int(value) else f"{value:.2f}".rstrip("0")
