"""`lingdang reconcile`: what was changed in the journal, or taken out of it, is named, and the exit code says so."""

import json
from pathlib import Path

import psycopg

from support.commands import GIFT, Run
from support.customers import key_of


def test_a_sound_journal_a_changed_one_and_one_whose_seals_are_gone(
    lingdang: Run, database_url: str, tmp_path: Path
) -> None:
    elsewhere = tmp_path / "elsewhere.jws"
    lingdang("journal", "seal")
    assert lingdang("journal", "checkpoint", "--out", elsewhere).exit_code == 0
    sound = lingdang("reconcile", "--json", "--witness", elsewhere)
    assert sound.exit_code == 0, sound.output
    report = json.loads(sound.stdout)
    assert (report["customers"], report["transfers"], report["sealed"], report["seals"]) == (2, 6, 6, 2)
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(f"{GIFT} WHERE customer = %s AND seq = 2".encode(), (key_of("bob"),))
    tampered = lingdang("reconcile")
    assert tampered.exit_code == 1
    assert "journal_changed: bob: BELL seq 2\n" in tampered.stdout

    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("TRUNCATE seal, seal_checkpoint")
    undone = lingdang("reconcile", "--witness", elsewhere)
    assert undone.exit_code == 1
    assert "journal_rolled_back" in undone.stdout


def test_what_is_not_sealed_yet_is_no_difference(lingdang: Run) -> None:
    report = json.loads(lingdang("reconcile", "--json").stdout)
    assert (report["sealed"], report["unsealed"], report["differences"]) == (0, 6, [])
