"""Who may read a product: whoever owns it, and nobody else."""

from support.buyer import buyer, give, stock
from support.shop import Shop


async def test_only_who_owns_it_reads_it(shop: Shop) -> None:
    stock(shop, "book-1", "book-2", price=10)
    shop.sql("UPDATE product SET intro = 'Once upon a time'")
    await give(shop, "ann", 10)
    ann, bob = buyer(shop), buyer(shop, "bob")
    assert (await ann.buy("book-1")).status_code == 200
    read = await ann.get("/v1/read/book-1")
    assert (read.status_code, read.json()["text"].partition("\n")[0]) == (200, "Once upon a time")
    for who, book in ((ann, "book-2"), (bob, "book-1"), (bob, "no-such-book")):
        refused = await who.get(f"/v1/read/{book}")
        assert (refused.status_code, refused.json()["code"]) == (403, "not_entitled")
        assert "Once" not in refused.text
    assert (await shop.http.get("/v1/read/book-1")).status_code == 401
    assert (await shop.http.get("/v1/read/book-1", headers=bob.headers | {"X-Cust-Id": "ann"})).status_code == 403
