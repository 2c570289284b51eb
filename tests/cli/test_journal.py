"""`lingdang journal`: sealing by hand, and the newest checkpoint for whoever keeps it elsewhere."""

import json
from pathlib import Path

from support.commands import Run


def test_sealing_and_the_newest_checkpoint(lingdang: Run, tmp_path: Path) -> None:
    assert "nothing is sealed yet" in lingdang("journal", "checkpoint").output
    sealed = json.loads(lingdang("journal", "seal", "--json").output.splitlines()[-1])
    assert sealed["transfers"] == 6
    assert "0 transfers sealed" in lingdang("journal", "seal").output
    elsewhere = tmp_path / "elsewhere.jws"
    assert lingdang("journal", "checkpoint", "--out", elsewhere).exit_code == 0
    assert elsewhere.read_text() == (tmp_path / "witness.jws").read_text()
