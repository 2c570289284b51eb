"""`lingdang keys`: secrets are made, listed and retired, and never shown."""

import asyncio
import json
from pathlib import Path

import pytest

from lingdang.clock import system_clock
from lingdang.events.webhooks.endpoints import EndpointInput, put_endpoint
from lingdang.events.webhooks.secrets import Secrets
from lingdang.keys import Keyring
from support.commands import Run
from support.journal import connected
from support.served import run


def test_keys_are_rotated_listed_and_retired_without_showing_a_secret(tmp_path: Path) -> None:
    first = json.loads(run(tmp_path, "keys", "list", "--json").stdout)
    assert [key["version"] for key in first] == [1]
    later = json.loads(run(tmp_path, "keys", "rotate", "--activate-in", "3600", "--json").stdout)
    assert later[0]["version"] == 2
    refused = run(tmp_path, "keys", "retire", "1", "--force")
    assert refused.returncode == 1
    assert "only active one" in refused.stderr
    assert run(tmp_path, "keys", "rotate").returncode == 0
    unseen = run(tmp_path, "keys", "retire", "1")
    assert unseen.returncode == 1
    assert "there is no database here" in unseen.stderr
    assert [version.version for version in Keyring(tmp_path / "keyring.json").versions()] == [1, 2, 3]
    assert run(tmp_path, "keys", "retire", "1", "--force").returncode == 0
    shown = run(tmp_path, "keys", "list").stdout
    keyring = Keyring(tmp_path / "keyring.json")
    assert [version.version for version in keyring.versions()] == [2, 3]
    assert not [version.secret for version in keyring.versions() if version.secret in shown]


async def _endpoint(url: str, keyring: Keyring) -> bytes:
    """A new endpoint's secret."""
    now = system_clock()
    async with connected(url) as connection:
        await put_endpoint(connection, "main", EndpointInput("https://hooks.example/"), 1, now)
        return (await Secrets(keyring).add(connection, "main", now)).octets


async def _in_use(url: str, keyring: Keyring) -> list[bytes]:
    async with connected(url) as connection:
        return [each.octets for each in await Secrets(keyring).in_use(connection, "main", system_clock())]


def test_a_version_that_is_retired_at_once_takes_no_webhooks_secret_with_it(
    lingdang: Run, database_url: str, keyring: Keyring
) -> None:
    made = asyncio.run(_endpoint(database_url, keyring))
    assert lingdang("keys", "rotate").exit_code == 0
    assert lingdang("keys", "retire", 1).exit_code == 0
    assert asyncio.run(_in_use(database_url, Keyring(keyring.path))) == [made]


def test_a_secret_that_a_server_makes_before_it_has_seen_the_rotation_is_not_lost(
    lingdang: Run, database_url: str, keyring: Keyring, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lingdang.keys._RELOAD_SECONDS", 3600.0)
    slow, made = Keyring(keyring.path), list[bytes]()
    slow.current("webhook-secret")
    assert lingdang("keys", "rotate").exit_code == 0

    def meanwhile(seconds: float) -> None:
        assert 0 < seconds <= 2
        assert slow.current("webhook-secret")[0] == "k1"
        made.append(asyncio.run(_endpoint(database_url, slow)))

    with monkeypatch.context() as waiting:
        waiting.setattr("lingdang.cli.keys.sleep", meanwhile)
        assert lingdang("keys", "retire", 1).exit_code == 0
    assert len(made) == 1
    assert asyncio.run(_in_use(database_url, Keyring(keyring.path))) == made


def test_the_version_in_use_is_not_retired_while_webhooks_secrets_are_sealed_by_it(
    lingdang: Run, database_url: str, keyring: Keyring
) -> None:
    made = asyncio.run(_endpoint(database_url, keyring))
    assert lingdang("keys", "rotate").exit_code == 0
    refused = lingdang("keys", "retire", 2)
    assert refused.exit_code == 1
    assert "the webhooks main: run `lingdang keys rotate` first" in refused.output
    assert [version.kid for version in Keyring(keyring.path).versions()] == ["k1", "k2"]
    assert asyncio.run(_in_use(database_url, Keyring(keyring.path))) == [made]
