"""The routes that the server's own description names, so that a test of all of them forgets no new one."""

from typing import Any

from support.shop import Shop

METHODS = ("get", "put", "post", "patch", "delete")


async def routes_of(shop: Shop) -> list[tuple[str, str, dict[str, Any]]]:
    """Method, path and description of each, with its parameters and answers in their places."""
    document = (await shop.http.get("/openapi.json")).json()
    found = [(m, path, item[m]) for path, item in document["paths"].items() for m in METHODS if m in item]
    for _, _, operation in found:
        operation["responses"] = responses_of(document, operation)
        operation["parameters"] = parameters_of(document, operation)
    assert len(found) > 30
    return found


def responses_of(document: dict[str, Any], operation: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """What an operation answers by status; what is described once for all operations in its place."""
    common = document["components"]["responses"]
    return {
        status: common[answer["$ref"].rpartition("/")[2]] if "$ref" in answer else answer
        for status, answer in operation["responses"].items()
    }


def parameters_of(document: dict[str, Any], operation: dict[str, Any]) -> list[dict[str, Any]]:
    """What an operation takes beside its body, headers too."""
    common = document["components"]["parameters"]
    return [common[each["$ref"].rpartition("/")[2]] if "$ref" in each else each for each in operation["parameters"]]


def placed(path: str, order_id: str) -> str:
    """The path with Ann's ids in it."""
    ids = {"orderId": order_id, "topupId": order_id, "productId": "ann-book", "custId": "ann", "couponId": "none"}
    for name, value in ids.items():
        path = path.replace("{" + name + "}", value)
    return path
