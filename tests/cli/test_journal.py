"""`lingdang journal`, `lingdang statement` and `lingdang reconcile`, from sealing to an auditor's verification."""

import json
from pathlib import Path

import psycopg

from support.commands import GIFT, Run
from support.customers import key_of


def test_sealing_and_reconciling(lingdang: Run, database_url: str, tmp_path: Path) -> None:
    assert "nothing is sealed yet" in lingdang("journal", "checkpoint").output
    sealed = json.loads(lingdang("journal", "seal", "--json").output.splitlines()[-1])
    assert sealed["transfers"] == 6
    assert "0 transfers sealed" in lingdang("journal", "seal").output
    elsewhere = tmp_path / "elsewhere.jws"
    assert lingdang("journal", "checkpoint", "--out", elsewhere).exit_code == 0
    assert elsewhere.read_text() == (tmp_path / "witness.jws").read_text()

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
