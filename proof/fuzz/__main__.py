"""`python -m proof.fuzz --seconds 600 --target all`: coverage-guided fuzzing of every parser, one after the other."""

import importlib.util
import sys
import tempfile
import time
from pathlib import Path

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table

from proof.fuzz.every import NAMES, parsers_of
from proof.fuzz.running import Result, fuzz

_WIDTH = 150
"""Columns of the table in a file."""


@click.command()
@click.option("--seconds", type=click.IntRange(1), default=600, show_default=True, help="In all, over the targets.")
@click.option("--target", type=click.Choice(["all", *NAMES]), default="all", show_default=True)
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), default=Path(".fuzz"), show_default=True)
@click.option("--replay", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="Read this input once.")
def main(seconds: int, target: str, out: Path, replay: Path | None) -> None:
    """Fuzz. Exits with 1 when an input did what none may; it is kept in the folder --out, under the target's name."""
    names = NAMES if target == "all" else (target,)
    with tempfile.TemporaryDirectory(prefix="fuzz-") as folder:
        parsers = parsers_of(Path(folder))
        if replay is not None:
            if len(names) > 1:
                raise click.UsageError("--replay needs the --target that the input is for")
            click.echo(parsers[target].read(replay.read_bytes()))
            return
        if importlib.util.find_spec("atheris") is None:
            raise click.ClickException("atheris is not installed: pip install -e '.[fuzz]'")
        results = []
        with _progress(Console(stderr=True)) as progress:
            for name in names:
                bar = progress.add_task(name, total=seconds / len(names), said="")
                started = time.monotonic()

                def show(result: Result, bar: TaskID = bar, started: float = started) -> None:
                    said = f"{result.executions} executions, {result.features} features"
                    progress.update(bar, completed=time.monotonic() - started, said=said)

                results.append(fuzz(parsers[name], out, max(1, seconds // len(names)), show))
    _report(results)
    sys.exit(1 if any(result.crashes for result in results) else 0)


def _progress(console: Console) -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.fields[said]}"),
        TimeElapsedColumn(),
        console=console,
    )


def _report(results: list[Result]) -> None:
    console = Console(width=None if sys.stdout.isatty() else _WIDTH)
    table = Table("target")
    for heading in ("executions", "edges", "features", "corpus", "crashes"):
        table.add_column(heading, justify="right")
    table.add_column("outcomes")
    for r in results:
        outcomes = ", ".join(f"{what} {n}" for what, n in sorted(r.outcomes.items(), key=lambda item: -item[1]))
        numbers = (r.executions, r.covered, r.features, r.corpus, len(r.crashes))
        table.add_row(r.name, *map(str, numbers), outcomes)
    console.print(table)
    for r in results:
        for crash in r.crashes:
            console.print(f"{r.said}python -m proof.fuzz --target {r.name} --replay {crash}", markup=False)
    crashes = sum(len(r.crashes) for r in results)
    console.print(f"{sum(r.executions for r in results)} executions, {crashes} crashes", highlight=False)


if __name__ == "__main__":
    main()
