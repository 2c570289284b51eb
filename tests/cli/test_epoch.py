"""`lingdang epoch new`: what a restore has lost is declared, by the witness here or by one that was carried away."""

import json
from pathlib import Path

from support.commands import Run
from support.journal import sql


def test_a_new_epoch(lingdang: Run, database_url: str, tmp_path: Path) -> None:
    assert lingdang("journal", "seal").exit_code == 0
    refused = lingdang("epoch", "new")
    assert refused.exit_code == 1
    assert "nothing was declared" in refused.output
    assert "--force" in refused.output
    assert sql(database_url, "SELECT 1 FROM notice") == []
    assert sql(database_url, "SELECT count(*) FROM journal_epoch") == [(1,)]
    answer = lingdang("epoch", "new", "--force")
    assert answer.exit_code == 0, answer.output
    assert "Up to position 0 nothing was lost." in answer.output, "all was sealed after the server's start"
    assert "The witness misses nothing" in answer.output
    assert sql(database_url, "SELECT type, key::bigint > 0, data->>'lastTrue' FROM notice") == [
        ("feed.reset", True, "0")
    ]
    assert sql(database_url, "SELECT count(*) FROM journal_epoch") == [(2,)]


def test_a_witness_that_was_carried_away(lingdang: Run, database_url: str, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere.jws"
    assert lingdang("journal", "seal").exit_code == 0
    assert lingdang("journal", "checkpoint", "--out", elsewhere).exit_code == 0
    (tmp_path / "witness.jws").unlink()
    assert json.loads(lingdang("epoch", "new", "--force", "--json").output) == {"lastTrue": ["0"], "witnessed": False}
    sql(database_url, "DELETE FROM seal_checkpoint")
    sql(database_url, "DELETE FROM notice")
    told = json.loads(lingdang("epoch", "new", "--witness", elsewhere, "--json").output)
    assert told == {"lastTrue": ["0"], "witnessed": True}
    assert elsewhere.exists()
