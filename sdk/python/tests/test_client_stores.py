"""Where payments under way are kept: whole or not at all, for their owner's eyes."""

import os
import stat
from pathlib import Path
from uuid import uuid4

import msgspec
import pytest
from offers import pending

from lingdang_client import FileOfferStore, MemoryOfferStore, OfferStore, StoreError


@pytest.fixture(params=["memory", "file"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> OfferStore:
    return MemoryOfferStore() if request.param == "memory" else FileOfferStore(tmp_path / "a" / "b")


def test_keeps_replaces_lists_and_forgets(store: OfferStore) -> None:
    first, second = sorted((pending(), pending()), key=lambda p: p.offer.order_id)
    assert store.all() == []
    store.put(second)
    store.put(first)
    newer = msgspec.structs.replace(first, nonce="another-nonce")
    store.put(newer)
    assert store.get(first.offer.order_id) == newer
    assert store.all() == [newer, second]
    store.remove(first.offer.order_id)
    store.remove(first.offer.order_id)
    assert store.all() == [second]
    assert store.get(str(uuid4())) is None


def test_files_survive_the_process_and_are_their_owners_alone(tmp_path: Path) -> None:
    kept = pending()
    FileOfferStore(tmp_path / "kept").put(kept)
    assert FileOfferStore(tmp_path / "kept").all() == [kept]
    (file,) = (tmp_path / "kept").iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "kept").stat().st_mode) == 0o700


def test_a_write_that_breaks_off_leaves_the_old_entry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store, kept = FileOfferStore(tmp_path), pending()
    store.put(kept)

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StoreError, match="No space left"):
        store.put(msgspec.structs.replace(kept, nonce="never-durable"))
    monkeypatch.undo()
    assert store.all() == [kept]
    assert len(list(tmp_path.iterdir())) == 1
    (tmp_path / "tmp-half-written.new").write_bytes(b'{"custId":')  # what a crash leaves
    assert store.all() == [kept]


def test_a_damaged_entry_is_named(tmp_path: Path) -> None:
    store, kept = FileOfferStore(tmp_path), pending()
    (tmp_path / f"{kept.offer.order_id}.json").write_bytes(b"\xff\x00")
    with pytest.raises(StoreError, match=kept.offer.order_id):
        store.get(kept.offer.order_id)


@pytest.mark.parametrize("order_id", ["../../etc/passwd", "", "a/b", "x" * 300])
def test_an_order_id_never_leads_out_of_the_directory(tmp_path: Path, order_id: str) -> None:
    with pytest.raises(StoreError, match="not an order id"):
        FileOfferStore(tmp_path).get(order_id)


def test_a_directory_that_cannot_be(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="cannot make"):
        FileOfferStore(tmp_path / "file")
