"""Runbooks as they stand in docs/runbooks: their `sh` blocks are run, so that what is written there works."""

import os
import re
import subprocess
import sys
from pathlib import Path

from support.shop import PATIENCE

DOCS = Path(__file__).parents[2] / "docs" / "runbooks"
_BLOCK = re.compile(r"^```sh\n(.*?)^```$", re.DOTALL | re.MULTILINE)


class Runbook:
    """One runbook. Its section `Set up` stands before every other one."""

    def __init__(self, name: str, **environ: str) -> None:
        text = (DOCS / f"{name}.md").read_text(encoding="utf-8")
        parts = re.split(r"^## (.+)$", text, flags=re.MULTILINE)
        self.sections = {
            title: "".join(_BLOCK.findall(body)) for title, body in zip(parts[1::2], parts[2::2], strict=True)
        }
        self.environ = environ

    def play(self, title: str, code: int = 0, **environ: str) -> str:
        """What the commands of a section print; they end with this exit code."""
        assert self.sections[title], f"the section {title} has no commands"
        return self.run(self.sections[title], code, **environ)

    def run(self, script: str, code: int = 0, **environ: str) -> str:
        """The same for commands of the test's own."""
        ended = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", self.sections["Set up"] + script],
            capture_output=True,
            text=True,
            timeout=5 * PATIENCE,
            check=False,
            env=_clean() | self.environ | environ,
        )
        assert ended.returncode == code, f"{script}\n{ended.returncode}\n{ended.stdout}{ended.stderr}"
        return ended.stdout


def _clean() -> dict[str, str]:
    """This environment, with the project's own programs first."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("LINGDANG_", "PG"))}
    return kept | {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
