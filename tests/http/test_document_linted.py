"""The OpenAPI document by Redocly's linter, which npm has to fetch."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tools.document import text
from tools.node import fetch, run

pytestmark = pytest.mark.slow

REDOCLY = "@redocly/cli@2.77.0"
RULES = """\
extends: [recommended-strict]
rules:
  operation-4xx-response: error
  tag-description: error
  no-unused-components: error
  no-ambiguous-paths: off
"""
"""The contract has `/v1/topups/{topupId}/purchase` beside `/v1/topups/notify/{provider}`: a top-up's id is a UUID."""


def test_no_error_and_no_warning(tmp_path: Path) -> None:
    if not fetch(tmp_path, REDOCLY):
        pytest.skip(f"npm cannot fetch {REDOCLY}")
    (tmp_path / "openapi.json").write_text(text(), encoding="utf-8")
    (tmp_path / "redocly.yaml").write_text(RULES, encoding="utf-8")
    ran = run(tmp_path, "npx", "--no-install", "redocly", "lint", "openapi.json", "--format", "json")
    told: dict[str, Any] = json.loads(ran.stdout)
    found = Counter(f"{problem['ruleId']}: {problem['message']}" for problem in told["problems"])
    assert (ran.returncode, dict(found)) == (0, {})
