"""The locked dependencies against the published advisories, by pip-audit; nothing is installed for it.

A known vulnerability fails. What could not be asked about (no network, a mirror without advisories) is said and
passes, because a build must not depend on somebody else's service; it is never taken for "no vulnerability".
"""

import re
import subprocess
import sys
from collections.abc import Sequence
from typing import NamedTuple

import msgspec

LOCKS = ("requirements-dev.lock",)
"""It holds everything that requirements.lock holds; tests/security/test_audit.py sees to that."""

_AWAY = re.compile(r"ConnectionError|ConnectTimeout|ReadTimeout|Max retries|Could not connect|ServiceError|ProxyError")


class Vulnerability(msgspec.Struct, frozen=True):
    """One advisory on one version."""

    id: str
    fix_versions: list[str]


class Dependency(msgspec.Struct, frozen=True):
    """What pip-audit says of a package: its advisories, or why there was no answer."""

    name: str
    version: str = ""
    skip_reason: str | None = None
    vulns: list[Vulnerability] = []


class Report(msgspec.Struct, frozen=True):
    """pip-audit's JSON."""

    dependencies: list[Dependency]


class Verdict(NamedTuple):
    """What to print, and the exit code."""

    lines: list[str]
    code: int


def judge(stdout: str, stderr: str) -> Verdict:
    """The verdict on one run of pip-audit."""
    try:
        report = msgspec.json.decode(stdout, type=Report)
    except msgspec.MsgspecError:
        last = (stderr.strip().splitlines() or ["it said nothing"])[-1]
        if _AWAY.search(stderr):
            return Verdict([f"WARNING: dependencies NOT audited, the advisories cannot be reached: {last}"], 0)
        return Verdict([f"pip-audit failed: {last}"], 1)
    found = [dependency for dependency in report.dependencies if dependency.vulns]
    if found:
        return Verdict([line for dependency in found for line in _advisories(dependency)], 1)
    return Verdict([_passed(report.dependencies)], 0)


def _advisories(dependency: Dependency) -> list[str]:
    return [
        f"{dependency.name} {dependency.version}: {known.id}, fixed in {', '.join(known.fix_versions) or 'no version'}"
        for known in dependency.vulns
    ]


def _passed(dependencies: Sequence[Dependency]) -> str:
    unknown = [dependency for dependency in dependencies if dependency.skip_reason is not None]
    if unknown:
        reason = unknown[0].skip_reason
        return f"WARNING: {len(unknown)} of {len(dependencies)} dependencies NOT audited: {reason}"
    return f"{len(dependencies)} dependencies audited: no known vulnerability"


def main() -> int:
    """Audit the lock files."""
    command = [sys.executable, "-m", "pip_audit", "--format", "json", "--progress-spinner", "off", "--timeout", "15"]
    command += ["--require-hashes", "--disable-pip", *(part for lock in LOCKS for part in ("-r", lock))]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    verdict = judge(ended.stdout, ended.stderr)
    print("\n".join(verdict.lines), file=sys.stderr if verdict.code or "WARNING" in verdict.lines[0] else sys.stdout)
    return verdict.code


if __name__ == "__main__":
    sys.exit(main())
