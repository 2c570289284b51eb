"""What a shop stands on: a keyring that is made once, the database's buckets, the witness beside the keys."""

from pathlib import Path

import pytest

from lingdang.deployment import deploy, make_witness, settling
from lingdang.keys import Keyring, KeyringError
from lingdang.ledger.done import Done
from lingdang.settings import Settings
from support.customers import make_known
from support.journal import sql
from support.money import credit


def test_it_is_made_once_and_found_again(database_url: str, tmp_path: Path) -> None:
    settings = Settings(data_dir=str(tmp_path))
    sql(database_url, "UPDATE deployment SET buckets = 4")
    first = deploy(settings, database_url)
    assert (first.buckets, first.keyring.path) == (4, tmp_path / "keyring.json")
    assert deploy(settings, database_url).keyring.deployment == first.keyring.deployment


def test_a_named_keyring_is_never_made(database_url: str, tmp_path: Path) -> None:
    settings = Settings(data_dir=str(tmp_path), keyring_file=str(tmp_path / "named.json"))
    with pytest.raises(KeyringError, match=r"named\.json"):
        deploy(settings, database_url)
    assert list(tmp_path.iterdir()) == []


def test_the_witness_is_beside_the_keyring_unless_it_is_named(
    database_url: str, keyring: Keyring, tmp_path: Path
) -> None:
    named = {"data_dir": str(tmp_path), "keyring_file": str(keyring.path)}
    assert make_witness(deploy(Settings(**named), database_url)).path == keyring.path.with_name("witness.jws")
    settings = Settings(**named, witness_file=str(tmp_path / "elsewhere.jws"))
    assert make_witness(deploy(settings, database_url)).path == tmp_path / "elsewhere.jws"


async def test_a_settlement_of_ones_own_settles_until_the_block_ends(database_url: str, tmp_path: Path) -> None:
    make_known(database_url, "ann")
    async with settling(deploy(Settings(data_dir=str(tmp_path)), database_url)) as settlement:
        assert isinstance(await settlement.submit(credit("ann", 5)), Done)
    assert sql(database_url, "SELECT balance FROM wallet") == [(5,)]
