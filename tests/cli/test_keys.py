"""`lingdang keys`: secrets are made, listed and retired, and never shown."""

import json
from pathlib import Path

from lingdang.keys import Keyring
from support.served import run


def test_keys_are_rotated_listed_and_retired_without_showing_a_secret(tmp_path: Path) -> None:
    first = json.loads(run(tmp_path, "keys", "list", "--json").stdout)
    assert [key["version"] for key in first] == [1]
    later = json.loads(run(tmp_path, "keys", "rotate", "--activate-in", "3600", "--json").stdout)
    assert later[0]["version"] == 2
    refused = run(tmp_path, "keys", "retire", "1")
    assert refused.returncode == 1
    assert "only active one" in refused.stderr
    assert run(tmp_path, "keys", "rotate").returncode == 0
    assert run(tmp_path, "keys", "retire", "1").returncode == 0
    shown = run(tmp_path, "keys", "list").stdout
    keyring = Keyring(tmp_path / "keyring.json")
    assert [version.version for version in keyring.versions()] == [2, 3]
    assert not [version.secret for version in keyring.versions() if version.secret in shown]
