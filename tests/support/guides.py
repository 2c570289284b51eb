"""The guides' commands, run as they stand."""

import os
import re
import subprocess
import sys
from pathlib import Path

from support.pages import text_of
from support.shop import PATIENCE
from tools.node import ENVIRON

_SHELL = re.compile(r"^```sh\n(.*?)^```", re.MULTILINE | re.DOTALL)
PROGRAMS = Path(sys.executable).parent
"""Where `lingdang` and `python` are."""


def follow(folder: Path, *pages: str, programs: Path = PROGRAMS, **environ: str) -> str:
    """Every `sh` block of the pages in one shell, in this folder; what they print."""
    blocks = [block for page in pages for block in _SHELL.findall(text_of(page))]
    ran = subprocess.run(
        ["bash", "-c", "\n".join(["set -euo pipefail", *blocks])],
        cwd=folder,
        env=ENVIRON | {"PATH": f"{programs}{os.pathsep}{ENVIRON['PATH']}"} | environ,
        capture_output=True,
        text=True,
        timeout=10 * PATIENCE,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout
