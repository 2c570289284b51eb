"""The verdict on what pip-audit says: only a known vulnerability fails, and silence is never taken for health."""

import re
from pathlib import Path

import pytest

from tools.audit import LOCKS, judge

ROOT = Path(__file__).parents[2]
SOUND = '{"name": "click", "version": "8.5.1", "vulns": []}'
BAD = '{"name": "old", "version": "1.0", "vulns": [{"id": "PYSEC-1", "fix_versions": ["1.1"], "description": "x"}]}'
UNKNOWN = '{"name": "rich", "skip_reason": "Dependency not found on PyPI"}'


def _report(*dependencies: str) -> str:
    return '{"dependencies": [' + ", ".join(dependencies) + '], "fixes": []}'


@pytest.mark.parametrize(
    ("stdout", "stderr", "code", "said"),
    [
        (_report(SOUND, SOUND), "No known vulnerabilities found", 0, "2 dependencies audited"),
        (_report(SOUND, BAD), "Found 1 known vulnerability", 1, "old 1.0: PYSEC-1, fixed in 1.1"),
        (_report(UNKNOWN, BAD), "", 1, "old 1.0: PYSEC-1"),
        (_report(SOUND, UNKNOWN), "No known vulnerabilities found", 0, "WARNING: 1 of 2 dependencies NOT audited"),
        ("", "Traceback\nrequests.exceptions.ConnectionError: no host", 0, "WARNING: dependencies NOT audited"),
        ("", "ERROR:pip_audit._cli:requirement x is missing a hash", 1, "pip-audit failed"),
        ("", "", 1, "it said nothing"),
    ],
    ids=["sound", "vulnerable", "vulnerable and unknown", "unknown", "no network", "no hash", "silent"],
)
def test_verdict(stdout: str, stderr: str, code: int, said: str) -> None:
    verdict = judge(stdout, stderr)
    assert verdict.code == code
    assert verdict.lines[0].startswith(said) or said in verdict.lines[0]


def test_everything_that_is_installed_is_audited() -> None:
    audited = {pin for lock in LOCKS for pin in _pins(lock)}
    assert len(audited) > 50
    assert [pin for path in ROOT.glob("requirements*.lock") for pin in _pins(path.name) if pin not in audited] == []


def _pins(lock: str) -> list[str]:
    return re.findall(r"^[a-z][\w.-]*==\S+", (ROOT / lock).read_text(), re.MULTILINE)
