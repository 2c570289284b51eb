"""Categories and publishers as shops write them, against conditions as operators write them."""

import json
from typing import Any

import pytest

from lingdang.coupons.labels import categories, labels
from support.buyer import Buyer, buyer, stock
from support.people import api_key
from support.shop import Shop
from support.vouchers import hold


@pytest.mark.parametrize(
    ("attribute", "found"),
    [
        ("小说，科幻", {"小说", "科幻"}),
        ("小说、科幻", {"小说", "科幻"}),
        ("小说；科幻", {"小说", "科幻"}),
        ("小说; 科幻", {"小说", "科幻"}),
        ("小说｜科幻|推理", {"小说", "科幻", "推理"}),
        ("小说／科幻", {"小说/科幻", "小说", "科幻"}),
        ("小説､ＳＦ", {"小説", "sf"}),
        ("\u3000小说\u3000,\n科幻 ", {"小说", "科幻"}),
        ("Ｓｃｉ－Ｆｉ, \u200bNovel", {"sci-fi", "novel"}),
        ("Sci-Fi/Fantasy", {"sci-fi/fantasy", "sci-fi", "fantasy"}),
        ('["小说","科幻"]', {"小说", "科幻"}),
        ('["小说，科幻", 7, null]', {"小说", "科幻", "7"}),
        ("7", {"7"}),
        ("[new] arrivals", {"[new] arrivals"}),
        ("Science  Fiction", {"science fiction"}),
        ("，、", set()),
    ],
)
def test_categories_of_an_attribute(attribute: str, found: set[str]) -> None:
    assert labels(categories(attribute)) == found


@pytest.fixture
async def ann(shop: Shop) -> Buyer:
    stock(shop, "book-1", price=100, publisher="中信 出版社")
    return buyer(shop)


async def discount(ann: Buyer, attribute: Any, conditions: dict[str, Any]) -> int:
    shop = ann.shop
    attributes = json.dumps({"categories": attribute}, ensure_ascii=False)
    shop.sql("UPDATE product SET attributes = %s::jsonb", (attributes,))
    definition = {"name": "Half", "effect": {"kind": "percent", "off": 50}, "conditions": conditions}
    operator = await api_key(shop, "coupons:write")
    answer = await shop.http.put("/v1/admin/coupons/half", json={"definition": definition}, headers=operator)
    assert answer.status_code == 201, answer.text
    hold(shop, "ann", "half")
    return int((await ann.checkout("book-1"))["discount"])


@pytest.mark.parametrize(
    ("attribute", "conditions"),
    [
        ("小说，科幻", {"categories": ["科幻"]}),
        (["小说", "科幻"], {"categories": ["科幻"]}),
        ("小说、科幻", {"categories": [" 科幻 "]}),
        ("sci-fi", {"categories": ["Ｓｃｉ－Ｆｉ"]}),
        ("科幻", {"categories": ["小说，科幻"]}),
        (7, {"categories": ["７"]}),
        ("-", {"publishers": ["中信\u3000出版社"]}),
    ],
)
async def test_a_voucher_applies_however_the_names_are_written(
    ann: Buyer, attribute: Any, conditions: dict[str, Any]
) -> None:
    assert await discount(ann, attribute, conditions) == 50


async def test_another_category_is_another(ann: Buyer) -> None:
    assert await discount(ann, "小说，科幻小说", {"categories": ["科幻"]}) == 0
