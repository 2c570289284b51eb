"""`lingdang statement`: from the shop to an auditor, who has nothing but the file and the keys."""

import json
from pathlib import Path

import psycopg
import pytest
from click.testing import CliRunner

from lingdang.cli.main import main
from lingdang.keys import Keyring
from lingdang.signer import Signer
from support.commands import GIFT, Run
from support.customers import key_of


def test_a_statement_from_the_shop_to_an_auditor(
    lingdang: Run, keyring: Keyring, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lingdang("journal", "seal")
    file, jwks = tmp_path / "ann.jws", tmp_path / "jwks.json"
    jwks.write_text(json.dumps(Signer(keyring).jwks()))
    monkeypatch.setattr("lingdang.journal.statements.LIMIT", 2)
    assert lingdang("statement", "issue", "ann", "--out", file).output == f"{file}: 2 pages\n"
    monkeypatch.setenv("LINGDANG_DATABASE_URL", "postgresql://nowhere.invalid/")
    sound = CliRunner().invoke(main, ["statement", "verify", str(file), "--jwks", str(jwks)])
    assert sound.exit_code == 0, sound.output
    assert "opening 0, 3 transfers, closing 200: sound" in sound.output
    printed = json.loads(
        CliRunner().invoke(main, ["statement", "verify", str(file), f"--jwks={jwks}", "--json"]).output
    )
    assert [len(page["transfers"]) for page in printed] == [2, 1]

    text = file.read_text()
    for content, reason in (
        (text[:300] + ("A" if text[300] != "A" else "B") + text[301:], "line 1: the signature does not verify"),
        ("\n".join(reversed(text.split())), "line 2: it does not go on from where the line before ends"),
        ("", "line 1: it is not three parts joined by dots"),
        ("铃铛", "line 1: it is not three parts joined by dots"),
    ):
        file.write_text(content, encoding="utf-8")
        refused = CliRunner().invoke(main, ["statement", "verify", str(file), "--jwks", str(jwks)])
        assert refused.exit_code == 1
        assert f"refused: {reason}" in refused.output


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (["ann", "--from", "never"], "from: Expected a day (2026-11-23) or"),
        (["ann", "--currency", "bell"], "currency: Expected a currency"),
        (["a b"], "1 to 128 of A-Z"),
        (["zoe"], "nobody has heard of this customer"),
    ],
    ids=["moment", "currency", "customer", "unknown"],
)
def test_what_cannot_be_stated(lingdang: Run, tmp_path: Path, options: list[str], reason: str) -> None:
    refused = lingdang("statement", "issue", *options, "--out", tmp_path / "x.jws")
    assert refused.exit_code != 0
    assert reason in refused.output


def test_what_was_tampered_with_is_not_stated(lingdang: Run, database_url: str, tmp_path: Path) -> None:
    lingdang("journal", "seal")
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(f"{GIFT} WHERE customer = %s AND kind = 'credit'".encode(), (key_of("ann"),))
    refused = lingdang("statement", "issue", "ann", "--out", tmp_path / "x.jws")
    assert refused.exit_code == 1
    assert "the journal contradicts its seals" in refused.output
    assert not (tmp_path / "x.jws").exists()
