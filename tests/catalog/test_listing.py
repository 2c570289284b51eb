"""Browsing over HTTP: what is listed, in which order, page by page, and what a search finds."""

from typing import Any

import psycopg
import pytest

from lingdang.catalog.listing import MAX_QUERY
from lingdang.catalog.products import ProductInput, put_product
from lingdang.clock import system_clock
from support.buyer import Buyer, buyer
from support.carts import end_session
from support.shop import Shop


async def fill(shop: Shop, **titles: str | dict[str, Any]) -> None:
    """Products by id (`_` for `-`): a title, or all the fields as the API takes them."""
    async with await psycopg.AsyncConnection.connect(shop.database_url, autocommit=True) as connection:
        for name, fields in titles.items():
            given = {"title": fields} if isinstance(fields, str) else fields
            product = ProductInput(**{"title": name, "price": 10, **given})
            await put_product(connection, name.replace("_", "-"), product, system_clock())


async def found(reader: Buyer, **params: Any) -> list[str]:
    answer = await reader.get("/v1/products", **params)
    assert answer.status_code == 200, answer.text
    return [product["productId"] for product in answer.json()["items"]]


async def test_a_product_as_it_is_listed_and_shown(shop: Shop) -> None:
    fields = {"title": "Emma", "price": 80, "list_price": 100, "publisher": "Longhill", "attributes": {"year": 1815}}
    await fill(shop, emma=fields)
    ann = buyer(shop)
    listed = (await ann.get("/v1/products")).json()
    shown = (await ann.get("/v1/products/emma")).json()
    assert listed == {"items": [shown], "nextCursor": None}
    assert shown["createdAt"].endswith("Z")
    assert {**shown, "createdAt": "", "updatedAt": ""} == {
        "productId": "emma",
        "title": "Emma",
        "currency": "BELL",
        "price": 80,
        "listPrice": 100,
        "publisher": "Longhill",
        "intro": "",
        "coverUrl": None,
        "attributes": {"year": 1815},
        "onSaleFrom": None,
        "onSaleUntil": None,
        "status": "active",
        "popularity": 0,
        "available": True,
        "createdAt": "",
        "updatedAt": "",
    }


async def test_only_what_is_on_sale_is_listed_but_anything_is_shown(shop: Shop) -> None:
    now = system_clock()
    past, future = now.replace(year=now.year - 1), now.replace(year=now.year + 1)
    await fill(
        shop,
        now={"on_sale_from": past, "on_sale_until": future},
        early={"on_sale_from": future},
        late={"on_sale_until": past},
        withdrawn={"status": "withdrawn"},
    )
    ann = buyer(shop)
    assert await found(ann) == ["now"]
    for product_id in ("now", "early", "late", "withdrawn"):
        shown = await ann.get(f"/v1/products/{product_id}")
        assert (shown.status_code, shown.json()["available"]) == (200, product_id == "now")


async def test_pages_are_the_most_popular_first_and_miss_nothing(shop: Shop) -> None:
    await fill(shop, **{f"p_{n:02}": {"popularity": n // 4} for n in range(23)})
    ann = buyer(shop)
    expected = [f"p-{n:02}" for n in reversed(range(23))]
    seen: list[str] = []
    cursor: str | None = None
    while True:
        page = (await ann.get("/v1/products", limit=5, **({"cursor": cursor} if cursor else {}))).json()
        seen += [product["productId"] for product in page["items"]]
        cursor = page["nextCursor"]
        if cursor is None:
            break
        assert len(page["items"]) == 5
    assert seen == expected


async def test_search_over_title_publisher_and_authors(shop: Shop) -> None:
    await fill(
        shop,
        hp={"title": "Harry Potter", "publisher": "Paper Lantern", "attributes": {"authors": "J.K. Rowling"}},
        jane={"title": "Jane Eyre", "attributes": {"authors": "Charlotte Brontë"}, "intro": "Harry is not in it"},
        santi={"title": "三体：黑暗森林", "publisher": "重庆出版社", "attributes": {"authors": "刘慈欣"}},
    )
    ann = buyer(shop)
    for query, expected in {
        "harry": ["hp"],
        "HARR pott": ["hp"],
        "jk rowling": ["hp"],
        "lantern potter": ["hp"],
        "bronte": ["jane"],
        "harry bronte": [],
        "黑暗森林": ["santi"],
        "暗森": ["santi"],
        "森": ["santi"],
        "刘慈欣 重庆": ["santi"],
        "三森": [],
        "  ": ["santi", "jane", "hp"],
        "!?": [],
        "' | ! :* \\": [],
        "\x00": [],
    }.items():
        assert await found(ann, query=query) == expected, query


async def test_a_search_is_paged_too_and_follows_a_change(shop: Shop) -> None:
    await fill(shop, **{f"p_{n}": f"Volume {n} of the work" for n in range(5)}, other="Another")
    ann = buyer(shop)
    first = (await ann.get("/v1/products", query="volume", limit=3)).json()
    rest = (await ann.get("/v1/products", query="volume", limit=3, cursor=first["nextCursor"])).json()
    assert [p["productId"] for p in first["items"] + rest["items"]] == ["p-4", "p-3", "p-2", "p-1", "p-0"]
    await fill(shop, p_4="Renamed")
    assert await found(ann, query="volume 4") == []
    assert await found(ann, query="renamed") == ["p-4"]


async def test_a_whole_title_comes_first_and_every_product_once(shop: Shop) -> None:
    more = {f"more_{n}": {"title": f"C++ for the {n}th time", "popularity": 100 + n} for n in range(5)}
    await fill(
        shop,
        **more,
        sharp={"title": "C#", "popularity": 500},
        letter={"title": "C", "popularity": 600},
        first={"title": "C++", "popularity": 1},
        second={"title": "Ｃ＋＋", "popularity": 2},
        net={"title": ".NET", "popularity": 0},
        asp={"title": "ASP.NET", "popularity": 900},
    )
    ann = buyer(shop)
    others = [f"more-{n}" for n in reversed(range(5))]
    for limit in (1, 2, 3, 4, 200):
        seen: list[str] = []
        cursor: dict[str, str] = {}
        while True:
            page = (await ann.get("/v1/products", query="c++", limit=limit, **cursor)).json()
            seen += [product["productId"] for product in page["items"]]
            if page["nextCursor"] is None:
                break
            cursor = {"cursor": page["nextCursor"]}
        assert seen == ["second", "first", *others], limit
    assert (await found(ann, query="c"))[0] == "letter"
    assert await found(ann, query="C#") == ["sharp"]
    assert await found(ann, query=".net") == ["net", "asp"]


async def test_titles_are_found_as_readers_write_them(shop: Shop) -> None:
    await fill(
        shop,
        hp="哈利·波特",
        santi="三体Ⅲ：死神永生",
        time="時間簡史",
        harry="ハリー・ポッター",
        stranger="L'Étranger",
        spider="Spider-Man",
        signs="!?",
    )
    ann = buyer(shop)
    for query, expected in {
        "哈利波特": ["hp"],
        "三体死神永生": ["santi"],
        "时间简史": ["time"],
        "ﾊﾘｰﾎﾟｯﾀｰ": ["harry"],
        "ーポ": ["harry"],
        "étranger": ["stranger"],
        "l’etranger": ["stranger"],
        "spiderman": ["spider"],
        "Ｓｐｉｄｅｒ　ｍａｎ": ["spider"],
        "!?": ["signs"],
        "!": [],
    }.items():
        assert await found(ann, query=query) == expected, query


async def test_numbers_for_authors_are_found_as_text(shop: Shop) -> None:
    await fill(shop, a={"title": "Nineteen", "attributes": {"authors": 1984}})
    ann = buyer(shop)
    assert await found(ann, query="1984") == ["a"]
    assert (await ann.get("/v1/products/a")).json()["attributes"] == {"authors": "1984"}


@pytest.mark.parametrize(
    "params",
    [
        {"limit": 0},
        {"limit": 201},
        {"limit": "x"},
        {"cursor": "?"},
        {"cursor": "cC0x"},
        {"cursor": ""},
        {"query": "x" * (MAX_QUERY + 1)},
    ],
)
async def test_a_malformed_question_is_invalid(shop: Shop, params: dict[str, Any]) -> None:
    answer = await buyer(shop).get("/v1/products", **params)
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_request")
    assert answer.json()["errors"][0]["path"] == f"$.{next(iter(params))}"


async def test_unknown_and_impossible_ids(shop: Shop) -> None:
    ann = buyer(shop)
    assert (await ann.get("/v1/products/nothing")).json()["code"] == "not_found"
    assert (await ann.get("/v1/products/a%20b")).json()["code"] == "invalid_request"


@pytest.mark.parametrize("path", ["/v1/products", "/v1/products/emma"])
async def test_browsing_needs_a_living_session(shop: Shop, path: str) -> None:
    await fill(shop, emma="Emma")
    ann = buyer(shop)
    assert (await shop.http.get(path)).json()["code"] == "unauthenticated"
    assert (await shop.http.get(path, headers=ann.headers | {"X-Cust-Id": "bob"})).json()["code"] == "cust_mismatch"
    end_session(ann)
    answer = await ann.get(path)
    assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated")


async def test_one_word_for_two_of_a_title(shop: Shop) -> None:
    """Only where nothing has the word as it stands: *forget* is not *for* and *get*."""
    await fill(shop, amazing="The Amazing Spider Man", iron="Iron Man 2", piece="ONE PIECE 1", get="For Those Who Get")
    ann = buyer(shop)
    for query in ("spiderman", "amazing spiderman"):
        assert await found(ann, query=query) == ["amazing"]
    assert await found(ann, query="ironman 2") == ["iron"]
    assert await found(ann, query="onepiece") == ["piece"]
    assert await found(ann, query="ironwoman") == []
    await fill(shop, forget="Forget Me Not")
    assert await found(ann, query="forget") == ["forget"]


async def test_one_word_for_two_page_by_page(shop: Shop) -> None:
    await fill(shop, **{f"s{n}": {"title": f"Spider Man {n}", "popularity": n} for n in range(5)})
    ann = buyer(shop)
    first = (await ann.get("/v1/products", query="spiderman", limit=3)).json()
    rest = (await ann.get("/v1/products", query="spiderman", limit=3, cursor=first["nextCursor"])).json()
    assert [p["productId"] for page in (first, rest) for p in page["items"]] == ["s4", "s3", "s2", "s1", "s0"]
    assert rest["nextCursor"] is None


async def test_umlauts_written_as_two_letters(shop: Shop) -> None:
    await fill(shop, one="Die Größe des Müllers", two="Mueller und Goethe", three="Århus", four="Aarhus", pot="Pot")
    ann = buyer(shop)
    assert await found(ann, query="groesse") == ["one"]
    assert await found(ann, query="Größe") == ["one"]
    assert await found(ann, query="mueller") == ["two"]
    assert sorted(await found(ann, query="Müller")) == ["one", "two"]
    assert await found(ann, query="muellers") == ["one"]
    assert await found(ann, query="göthe") == ["two"]
    assert sorted(await found(ann, query="Aarhus")) == sorted(await found(ann, query="århus")) == ["four", "three"]
    assert await found(ann, query="poet") == []
