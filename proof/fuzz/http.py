"""`python -m proof.fuzz.http --seconds 600`: schemathesis against a served shop, with new seeds until the time is over.

The shop is the demo's, over plain HTTP. Rounds are made in turn as its customer and as an operator with every scope.
"""

import random
import re
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from proof.fuzz.shop import Demo, serving

CHECKS = (
    "not_a_server_error,status_code_conformance,content_type_conformance,"
    "response_headers_conformance,response_schema_conformance"
)
ROUND_SECONDS = 60
_STARTING_UP = 300
_CONFIG = """
[dictionaries.known]
values = ["book-1", "book-2", "book-4", "book-9999", "demo", "BELL", "LINGDANG", "demo-demo", "HMAC-SHA256", "en", "0"]

[generation.dictionaries.string]
dictionary = "known"
probability = 0.3
"""
"""What is there in a demo shop: by chance alone no id would ever be met."""
_SHOWN = 6000


@dataclass
class Sum:
    """What came of all rounds. `answers` are the server's own counts by status."""

    rounds: int = 0
    answers: Counter[str] = field(default_factory=Counter)
    cases: int = 0
    failed: list[str] = field(default_factory=list)

    def server_errors(self) -> int:
        """Answers with a status of 500 or above."""
        return sum(number for status, number in self.answers.items() if status >= "500")


@click.command()
@click.option("--seconds", type=click.IntRange(1), default=600, show_default=True)
@click.option("--seed", type=int, help="The first round's; each further round's is one more. Random when not given.")
def main(seconds: int, seed: int | None) -> None:
    """Send requests. Exits with 1 after a server error or an answer that the document does not describe."""
    first = random.randrange(2**31) if seed is None else seed
    total = Sum()
    console = Console(stderr=True)
    with tempfile.TemporaryDirectory(prefix="fuzz-http-") as folder, serving(Path(folder)) as shop:
        config = Path(folder) / "schemathesis.toml"
        config.write_text(_CONFIG, encoding="utf-8")
        with _progress(console) as progress:
            bar = progress.add_task("schemathesis", total=seconds, said="")
            started = time.monotonic()
            while (left := seconds - (time.monotonic() - started)) > 0:
                _round(shop, config, first + total.rounds, min(ROUND_SECONDS, max(1, int(left))), total)
                said = f"{total.answers.total()} requests, {total.server_errors()} server errors"
                progress.update(bar, completed=time.monotonic() - started, said=said)
        _report(total, first, time.monotonic() - started)
        click.echo(shop.errors()[-_SHOWN:], err=True)
    sys.exit(1 if total.failed or total.server_errors() else 0)


def _round(shop: Demo, config: Path, seed: int, seconds: int, total: Sum) -> None:
    """One run of schemathesis, of so many seconds: as the customer with an even seed, as the operator with an odd."""
    as_customer = seed % 2 == 0
    headers = shop.customers_headers() if as_customer else shop.operators_headers()
    # Ending the session would make everything after it a 401.
    routes = ["--exclude-path-regex", "/v1/admin", "--exclude-method", "DELETE"]
    command = [
        *(str(Path(sys.executable).with_name("st")), "--config-file", str(config)),
        *("run", f"{shop.url}/openapi.json"),
        *("--checks", CHECKS, "--phases", "examples,coverage,fuzzing", "--max-time", str(seconds)),
        *("--seed", str(seed), "--generation-database", "none", "--continue-on-failure", "--no-color"),
        *(option for name, value in headers.items() for option in ("--header", f"{name}: {value}")),
        *(routes if as_customer else ["--include-path-regex", "/v1/admin"]),
    ]
    before = shop.answers()
    ran = subprocess.run(command, capture_output=True, text=True, timeout=seconds + _STARTING_UP, check=False)
    total.rounds += 1
    total.answers += shop.answers() - before
    total.cases += sum(int(number) for number in re.findall(r"(\d+) generated", ran.stdout))
    if ran.returncode != 0:
        who = "customer" if as_customer else "operator"
        total.failed.append(f"seed {seed}, as a {who}:\n{ran.stdout[-_SHOWN:]}{ran.stderr[-_SHOWN:]}")


def _progress(console: Console) -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[said]}"), TimeElapsedColumn())
    return Progress(*columns, console=console)


def _report(total: Sum, first: int, seconds: float) -> None:
    for failed in total.failed:
        click.echo(failed)
    answers = ", ".join(f"{status} {number}" for status, number in sorted(total.answers.items()))
    click.echo(f"{total.rounds} rounds from seed {first} in {seconds:.0f} s, {total.cases} test cases")
    click.echo(f"{total.answers.total()} requests: {answers}")
    click.echo(f"{total.server_errors()} server errors, {len(total.failed)} rounds failed")


if __name__ == "__main__":
    main()
