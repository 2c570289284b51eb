"""One parser fuzzed in a process of its own, watched line by line."""

import hashlib
import json
import re
import subprocess
import sys
import tempfile
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from proof.fuzz.parser import Parser
from proof.fuzz.words import write_dictionary

_AT = re.compile(r"^#(\d+)\s+\w+\s+cov: (\d+) ft: (\d+) corp: (\d+)")
_FLAGS = ("-print_final_stats=1", "-rss_limit_mb=2048", "-timeout=20", "-max_len=16384")
_KEPT = 60


@dataclass
class Result:
    """What came of one parser: edges of Python code that were covered, libFuzzer's features, inputs kept for them."""

    name: str
    executions: int = 0
    covered: int = 0
    features: int = 0
    corpus: int = 0
    outcomes: dict[str, int] = field(default_factory=dict)
    crashes: list[Path] = field(default_factory=list)
    said: str = ""


def fuzz(parser: Parser, out: Path, seconds: int, on_progress: Callable[[Result], None]) -> Result:
    """Fuzz for so long, from the good samples and what earlier runs have kept in `out`, where crashes go, too.

    `on_progress` is called as the process says something.
    """
    result = Result(parser.name)
    kept = out / parser.name
    samples, corpus = kept / "samples", kept / "corpus"
    _write_samples(samples, parser.good)
    corpus.mkdir(parents=True, exist_ok=True)
    known = set(_findings(kept))
    flags = (*_FLAGS, f"-max_total_time={seconds}", f"-artifact_prefix={kept}/")
    with tempfile.TemporaryDirectory(prefix="fuzz-") as folder:
        words = write_dictionary(Path(folder) / "words")
        command = [sys.executable, "-m", "proof.fuzz.one", parser.name, folder, *flags, f"-dict={words}"]
        process = subprocess.Popen(
            [*command, str(corpus), str(samples)],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            errors="replace",
        )
        result.said = _watch(process, result, on_progress)
        outcomes = Path(folder) / "outcomes.json"
        result.outcomes = json.loads(outcomes.read_text()) if outcomes.exists() else {}
    result.crashes = sorted(set(_findings(kept)) - known)
    if process.returncode != 0 and not result.crashes:
        raise RuntimeError(f"{parser.name} did not run:\n{result.said}")
    return result


def _watch(process: "subprocess.Popen[str]", result: Result, on_progress: Callable[[Result], None]) -> str:
    """Follow the process to its end; its last lines."""
    assert process.stdout is not None, "it was asked for"
    last: deque[str] = deque(maxlen=_KEPT)
    with process:
        for line in process.stdout:
            if found := _AT.match(line):
                result.executions, result.covered, result.features, result.corpus = map(int, found.groups())
            elif not line.startswith(("INFO:", "WARNING:", "stat::", "#")):
                last.append(line)
            on_progress(result)
    return "".join(last)


def _write_samples(folder: Path, samples: Iterable[bytes]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for sample in samples:
        (folder / hashlib.sha256(sample).hexdigest()[:16]).write_bytes(sample)


def _findings(folder: Path) -> list[Path]:
    """Inputs that crashed, took too long or too much memory."""
    return [path for kind in ("crash", "timeout", "oom") for path in folder.glob(f"{kind}-*")]
