"""`python -m proof.fuzz.one NAME FOLDER FLAGS…`: one parser under atheris, which takes libFuzzer's flags.

The outcomes are counted and kept in FOLDER, and written now and then: the end comes unannounced.
"""

import json
import sys
from collections import Counter
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["lingdang", "joserfc"]):
    from proof.fuzz.every import parsers_of

OUTCOMES = "outcomes.json"
_EVERY = 500


def main(name: str, folder: Path, flags: list[str]) -> None:
    """Fuzz until a flag says to stop, or something is found; then the process ends at once."""
    counted: Counter[str] = Counter()
    read = parsers_of(folder)[name].read

    def one_input(data: bytes) -> None:
        counted[read(data)] += 1
        if counted.total() % _EVERY == 0:
            (folder / OUTCOMES).write_text(json.dumps(counted))

    atheris.Setup([sys.argv[0], *flags], one_input)
    atheris.Fuzz()


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), sys.argv[3:])
