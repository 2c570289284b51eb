"""The keyring: made once, rotated and retired by its file, whole after every change, and unreadable to strangers."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from lingdang.clock import system_clock
from lingdang.keys import Keyring, KeyringError, create_keyring, ensure_keyring, retire, rotate

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    made = tmp_path / "keyring.json"
    create_keyring(made, NOW)
    return made


def edited(path: Path, edit: Callable[[dict[str, Any]], object]) -> Path:
    content = json.loads(path.read_text())
    edit(content)
    path.write_text(json.dumps(content))
    return path


def test_it_is_made_once_for_its_owner_alone(path: Path) -> None:
    before = path.read_bytes()
    create_keyring(path, NOW + HOUR)
    assert path.read_bytes() == before
    assert path.stat().st_mode & 0o777 == 0o600


def test_the_named_file_is_used_and_never_made(tmp_path: Path) -> None:
    assert ensure_keyring(str(tmp_path / "named.json"), tmp_path) == tmp_path / "named.json"
    assert not (tmp_path / "named.json").exists()
    assert ensure_keyring(None, tmp_path).exists()


def test_keys_differ_by_purpose_version_shop_and_length(path: Path, tmp_path: Path) -> None:
    rotate(path, NOW, NOW)
    create_keyring(tmp_path / "other.json", NOW)
    one, other = Keyring(path), Keyring(tmp_path / "other.json")
    keys = [
        one.known("k1", "receipt"),
        one.known("k2", "receipt"),
        one.known("k1", "session-token"),
        one.known("k1", "receipt", 64),
        other.known("k1", "receipt"),
    ]
    assert None not in keys
    assert len(set(keys)) == len(keys)
    assert Keyring(path).known("k1", "receipt") == keys[0]


def test_a_new_secret_seals_from_its_moment_and_opens_before(path: Path) -> None:
    now = system_clock()
    rotate(path, now, now + HOUR)
    keyring = Keyring(path)
    assert keyring.current("receipt")[0] == "k1"
    assert keyring.known("k2", "receipt") is not None
    rotate(path, now, now - HOUR)
    assert Keyring(path).current("receipt")[0] == "k3"


def test_a_rotation_reaches_who_is_asked_for_an_unknown_key(path: Path) -> None:
    keyring = Keyring(path)
    assert keyring.known("k2", "receipt") is None
    rotate(path, NOW, NOW)
    assert keyring.known("k2", "receipt") is not None
    assert [version.kid for version in keyring.versions()] == ["k1", "k2"]


def test_a_retired_key_opens_nothing_and_its_moment_stays(path: Path) -> None:
    rotate(path, NOW, NOW)
    assert retire(path, 1, NOW + HOUR).retired_at == NOW + HOUR
    assert retire(path, 1, NOW + 2 * HOUR).retired_at == NOW + HOUR
    keyring = Keyring(path)
    assert keyring.known("k1", "receipt") is None
    assert keyring.current("receipt")[0] == "k2"
    assert rotate(path, NOW, NOW).version == 3


@pytest.mark.parametrize(("active", "number", "said"), [(NOW + 2 * HOUR, 1, "only active"), (NOW, 9, "no key")])
def test_the_last_active_key_is_not_retired_nor_one_that_is_not_there(
    path: Path, active: datetime, number: int, said: str
) -> None:
    rotate(path, NOW, active)
    before = path.read_bytes()
    with pytest.raises(KeyringError, match=said):
        retire(path, number, NOW + HOUR)
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    "edit",
    [
        lambda content: content.pop("deployment"),
        lambda content: content["keys"].clear(),
        lambda content: content["keys"][0].update(secret="c2hvcnQ="),
        lambda content: content["keys"][0].update(secret="no base64"),
        lambda content: content["keys"][0].update(retiredAt="2026-01-01T00:00:00Z"),
    ],
)
def test_what_is_no_keyring_is_named(path: Path, edit: Callable[[dict[str, Any]], object]) -> None:
    with pytest.raises(KeyringError, match=r"keyring\.json"):
        Keyring(edited(path, edit))


def test_a_keyring_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(KeyringError, match=r"none\.json: No such file"):
        Keyring(tmp_path / "none.json")


def test_what_was_loaded_stays_good_when_the_file_is_damaged(path: Path) -> None:
    keyring = Keyring(path)
    key = keyring.known("k1", "receipt")
    path.write_text("{")
    assert keyring.known("k7", "receipt") is None
    assert keyring.known("k1", "receipt") == key
    assert [version.kid for version in keyring.versions()] == ["k1"]
