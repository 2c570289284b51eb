"""GET /v1/read/{productId}: the text comes through the access check alone."""

from pathlib import Path

import pytest
from structlog.testing import capture_logs

from lingdang.keys import Keyring
from support.buyer import Buyer, buyer, give, stock
from support.shop import Shop, open_shop


async def test_a_text_of_the_folder_and_none_beside_it(database_url: str, keyring: Keyring, tmp_path: Path) -> None:
    texts = tmp_path / "texts"
    texts.mkdir()
    (texts / "book-1.txt").write_text("第一章\n\nThe first chapter.", encoding="utf-8")
    (tmp_path / "secret.txt").write_text("not for readers", encoding="utf-8")
    async with open_shop(database_url, keyring, texts_dir=str(texts)) as shop:
        stock(shop, "book-1", "..", price=10)
        await give(shop, "ann", 20)
        ann = buyer(shop)
        assert (await ann.buy("book-1")).status_code == 200
        assert (await ann.get("/v1/read/book-1")).json()["text"].startswith("第一章")
        for path in ("/v1/read/..%2Fsecret", "/v1/read/../secret", "/v1/read/.."):
            answer = await shop.http.get(path, headers=ann.headers)
            assert "not for readers" not in answer.text
            assert answer.status_code in (400, 403, 404)


@pytest.mark.parametrize("codec", ["utf-8", "utf-8-sig", "gb18030", "utf-16", "utf-16-be"])
async def test_a_text_is_read_in_the_encoding_that_it_is_in(
    database_url: str, keyring: Keyring, tmp_path: Path, codec: str
) -> None:
    (tmp_path / "book-1.txt").write_bytes("第一章 铃铛\r\n\r\n铃铛响过，书页翻开。\r".encode(codec))
    async with open_shop(database_url, keyring, texts_dir=str(tmp_path)) as shop:
        ann = await reader(shop)
        answer = await ann.get("/v1/read/book-1")
    assert (answer.status_code, answer.json()["text"]) == (200, "第一章 铃铛\n\n铃铛响过，书页翻开。\n")


async def test_a_file_that_is_no_text_is_refused_with_a_reason(
    database_url: str, keyring: Keyring, tmp_path: Path
) -> None:
    (tmp_path / "book-1.txt").write_bytes(b"\x81\x8d\xff\xfe\x90")
    async with open_shop(database_url, keyring, texts_dir=str(tmp_path)) as shop:
        ann = await reader(shop)
        with capture_logs() as logs:
            answer = await ann.get("/v1/read/book-1")
    assert (answer.status_code, answer.json()["code"]) == (500, "internal_error")
    assert "encoding" in answer.json()["reason"]
    assert [(line["event"], Path(line["file"]).name) for line in logs if "file" in line] == [
        ("text_unreadable", "book-1.txt")
    ]


async def reader(shop: Shop) -> Buyer:
    """A customer who owns book-1."""
    stock(shop, "book-1", price=10)
    await give(shop, "ann", 20)
    ann = buyer(shop)
    assert (await ann.buy("book-1")).status_code == 200
    return ann
