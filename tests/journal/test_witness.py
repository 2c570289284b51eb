"""The witness: a journal that was put back to an earlier state is told from one that only grew."""

from pathlib import Path

from lingdang.keys import Keyring
from support.customers import key_of
from support.journal import buy, checks, fill, open_sealer, seal_all, sql, verify


async def test_the_end_cut_off_with_its_seals_is_seen_by_the_witness(
    database_url: str, keyring: Keyring, tmp_path: Path
) -> None:
    """A database put back to an earlier state is sound in itself: only what was kept elsewhere tells."""
    await fill(database_url)
    await seal_all(database_url, keyring)
    await buy(database_url, "ann", "book-3")
    await seal_all(database_url, keyring)
    witness = tmp_path / "witness.jws"
    kept = witness.read_text()
    sql(database_url, f"DELETE FROM transfer WHERE customer = {key_of('ann')} AND seq = 4")
    sql(database_url, f"DELETE FROM seal WHERE customer = {key_of('ann')} AND last_seq = 4")
    sql(database_url, "DELETE FROM seal_checkpoint WHERE number = 2")
    assert checks(database_url, keyring) == ["journal_rolled_back"]
    # What is sealed afterwards is sealed on the wrong state, and signed; the witness stays as it was.
    await buy(database_url, "bob", "book-4")
    async with open_sealer(database_url, keyring) as sealer:
        await sealer.round()
        await sealer.round()
        assert sealer.witness.rolled_back
    assert witness.read_text() == kept
    report = verify(database_url, keyring)
    assert [difference.check for difference in report.differences] == ["journal_rolled_back"]
    assert "checkpoint 2 with 3 seals" in report.differences[0].detail


async def test_everything_removed_is_seen_by_the_witness(database_url: str, keyring: Keyring) -> None:
    await fill(database_url)
    await seal_all(database_url, keyring)
    sql(database_url, "TRUNCATE wallet, transfer, entitlement, seal, seal_checkpoint")
    assert checks(database_url, keyring) == ["journal_rolled_back"]


async def test_a_witness_of_another_shop_is_refused(database_url: str, keyring: Keyring, tmp_path: Path) -> None:
    await fill(database_url)
    await seal_all(database_url, keyring)
    (tmp_path / "other").write_text("not a checkpoint\n")
    assert checks(database_url, keyring, tmp_path / "other") == ["journal_rolled_back"]
