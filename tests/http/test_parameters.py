"""Parameters that a route does not know, or knows otherwise: refused by name, value and rule, on every way to it."""

from typing import Annotated, Any
from uuid import UUID

import msgspec
import pytest
from msgspec import Meta

from lingdang.errors import Problem
from lingdang.http.parameters import Parameters
from lingdang.http.route import ANYONE, Nothing, Route
from lingdang.ids import CustId
from lingdang.keys import Keyring
from support.buyer import buyer, give, stock
from support.people import api_key
from support.shop import open_shop
from support.vouchers import all_books


class Asked(msgspec.Struct, rename="camel"):
    """Parameters of some kinds."""

    order_id: UUID
    cust_id: CustId
    keep_discount: bool = False
    least: Annotated[int, Meta(ge=1)] = 1


def parameters(path: str = "/v1/x/{order_id}", params: Any = Asked) -> Parameters:
    return Parameters(
        Route(name="show", method="GET", path=path, who=ANYONE, summary="", tag="", params=params, answer=str)
    )


ORDER = {"orderId": "0199aaaa-0000-7000-8000-000000000001"}


@pytest.mark.parametrize(
    ("texts", "query", "path", "message"),
    [
        (ORDER, b"custId=ann&colour=red", "$.colour", "No such parameter here; known: custId, keepDiscount, least"),
        (ORDER, b"custId=ann&orderId=x", "$.orderId", "No such parameter here; known: custId, keepDiscount, least"),
        (ORDER, b"least=2", "$.custId", "The parameter is missing"),
        ({"orderId": "7"}, b"custId=ann", "$.orderId", "Expected a UUID, got '7'"),
        (ORDER, b"custId=ann&least=many", "$.least", "Expected a whole number, got 'many'"),
        (ORDER, b"custId=ann&least=0", "$.least", "Expected `int` >= 1, got '0'"),
        (ORDER, b"custId=ann&keepDiscount=2", "$.keepDiscount", "Expected true or false, got '2'"),
        (
            ORDER,
            b"custId=a%20b",
            "$.custId",
            "Expected 1 to 128 of A-Z a-z 0-9 . _ : @ | + ~ -, and neither . nor .. alone, got 'a b'",
        ),
    ],
)
def test_what_is_wrong_is_named(texts: dict[str, str], query: bytes, path: str, message: str) -> None:
    with pytest.raises(Problem) as refused:
        parameters().read(texts, query)
    assert refused.value.members == {"errors": [{"path": path, "message": message}]}


def test_what_is_right_is_read() -> None:
    read = parameters().read(ORDER, b"custId=ann&keepDiscount=true&least=3")
    assert (read.cust_id, read.keep_discount, read.least) == ("ann", True, 3)


def test_a_long_value_is_cut() -> None:
    with pytest.raises(Problem) as refused:
        parameters().read(ORDER, b"custId=" + b"+" * 5000)
    assert len(refused.value.members["errors"][0]["message"]) < 250


def test_a_route_without_parameters_knows_none_and_a_page_takes_any() -> None:
    with pytest.raises(Problem) as refused:
        parameters("/v1/x", Nothing).read({}, b"a=1&b=2")
    assert [error["path"] for error in refused.value.members["errors"]] == ["$.a", "$.b"]
    assert parameters("/healthz", Nothing).read({}, b"a=1") == Nothing()


@pytest.mark.parametrize("short_way", [True, False])
async def test_an_unknown_parameter_is_refused_on_every_way(
    database_url: str, keyring: Keyring, short_way: bool
) -> None:
    async with open_shop(database_url, keyring, short_way=short_way) as shop:
        stock(shop, "book-1")
        await give(shop, "ann", 100)
        ann, key = buyer(shop), await api_key(shop)
        order = await ann.checkout("book-1")
        payment, before = ann.payment(order["orderToken"], ["book-1"]), all_books(shop)
        for method, path, body, headers in (
            ("GET", "/v1/products/book-1", None, ann.headers),
            ("GET", "/v1/products", None, ann.headers),
            ("GET", "/v1/wallet", None, ann.headers),
            ("PUT", "/v1/cart/items/book-1", {}, ann.headers),
            ("POST", "/v1/payments", payment, ann.headers),
            ("PUT", "/v1/admin/products/book-2", {"title": "B", "price": 1}, key),
        ):
            answer = await shop.http.request(method, path, params={"limitt": "5"}, json=body, headers=headers)
            assert (answer.status_code, answer.json()["code"]) == (400, "invalid_request"), path
            [error] = answer.json()["errors"]
            assert error["path"] == "$.limitt"
        assert all_books(shop) == before
        assert shop.sql("SELECT product_id FROM product") == [("book-1",)]
        assert (await ann.send(payment)).status_code == 200


async def test_a_checkout_names_the_products_that_there_are_not(database_url: str, keyring: Keyring) -> None:
    async with open_shop(database_url, keyring) as shop:
        stock(shop, "book-1")
        ann = buyer(shop)
        body = {"productIds": ["gone-1", "book-1", "gone-2"]}
        answer = await shop.http.post("/v1/checkout", json=body, headers=ann.headers)
        assert (answer.status_code, answer.json()["productIds"]) == (404, ["gone-1", "gone-2"])
        assert answer.json()["detail"] == "There are no such products: gone-1, gone-2."
