"""What is wrong with a request is said at its place, by the names on the wire and in words."""

from typing import Any

import pytest

from support.buyer import buyer, give, stock
from support.refunds import desk_of
from support.shop import Shop

ORDER = "0199aaaa-0000-7000-8000-000000000001"


@pytest.mark.parametrize(
    ("body", "path", "message"),
    [
        (b"", "$", "Expected a JSON body"),
        (b'{"refundId": "a b", "reason": "other"}', "$.refundId", "Expected 1 to 64 of A-Z a-z 0-9 . _ : -"),
        (
            b'{"refundId": "a", "reason": "other", "productIds": [".."]}',
            "$.productIds[0]",
            "Expected 1 to 64 of A-Z a-z 0-9 . _ : -, and neither . nor .. alone",
        ),
        (b'{"refundId": "a", "reason": "other", "note": "\\n"}', "$.note", "Expected 1 to 200 characters in one line"),
    ],
)
async def test_a_body(shop: Shop, body: bytes, path: str, message: str) -> None:
    answer = await shop.http.post(f"/v1/admin/orders/{ORDER}/refunds", content=body, headers=await desk_of(shop))
    assert answer.status_code == 400
    assert answer.json()["errors"] == [{"path": path, "message": message}]


@pytest.mark.parametrize(
    ("path", "place"),
    [
        ("/v1/admin/orders/none/refundable", "$.orderId"),
        (f"/v1/admin/orders/{ORDER}/refundable?keepDiscount=perhaps", "$.keepDiscount"),
    ],
)
async def test_what_is_in_the_address_is_called_as_on_the_wire(shop: Shop, path: str, place: str) -> None:
    answer = await shop.http.get(path, headers=await desk_of(shop))
    assert (answer.status_code, [error["path"] for error in answer.json()["errors"]]) == (400, [place])


@pytest.mark.parametrize(
    ("path", "place"),
    [
        (f"/v1/orders/{ORDER}/refundable?productIds=a&productIds=b", "$.productIds"),
        ("/v1/products?query=a&limit=5&query=b", "$.query"),
        ("/v1/orders?cursor=&%63ursor=", "$.cursor"),
        ("/v1/products/a?x=1&x=2", "$.x"),
        ("/v1/orders?" + "&".join(f"p{n}=1" for n in range(60)), "$"),
    ],
)
async def test_a_parameter_given_twice(shop: Shop, path: str, place: str) -> None:
    stock(shop, "a")
    await give(shop, "ann", 100)
    answer: Any = await shop.http.get(path, headers=buyer(shop).headers)
    assert (answer.status_code, [error["path"] for error in answer.json()["errors"]]) == (400, [place])
