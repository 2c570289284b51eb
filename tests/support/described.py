"""The routes that the server's own description names, so that a test of all of them forgets no new one."""

from typing import Any

from support.shop import Shop

METHODS = ("get", "put", "post", "patch", "delete")


async def routes_of(shop: Shop) -> list[tuple[str, str, dict[str, Any]]]:
    """Method, path and description of each."""
    document = (await shop.http.get("/openapi.json")).json()
    found = [(m, path, item[m]) for path, item in document["paths"].items() for m in METHODS if m in item]
    assert len(found) > 30
    return found


def placed(path: str, order_id: str) -> str:
    """The path with Ann's ids in it."""
    ids = {"order_id": order_id, "product_id": "ann-book", "cust_id": "ann", "coupon_id": "none"}
    for name, value in ids.items():
        path = path.replace("{" + name + "}", value)
    return path
