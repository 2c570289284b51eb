"""Addresses end up in logs, histories and proxies: nothing in them opens anything."""

import re
from typing import Any

from support.shop import Shop

SECRET = re.compile(r"token|password|sign|key|secret|code|auth", re.IGNORECASE)


def _of_addresses(document: dict[str, Any]) -> list[str]:
    """The names of all parameters in paths and queries, but for a link's own token."""
    by_link = document["paths"]["/v1/access"]["get"]
    paths = document["paths"].values()
    operations = [o for path in paths for o in path.values() if isinstance(o, dict) and o is not by_link]
    shared = document["components"]["parameters"]
    named = [p for operation in operations for p in operation.get("parameters", [])]
    parameters = [shared[p["$ref"].rpartition("/")[2]] if "$ref" in p else p for p in named]
    return [parameter["name"] for parameter in parameters if parameter["in"] in ("path", "query")]


async def test_no_secret_goes_into_an_address(shop: Shop) -> None:
    names = _of_addresses((await shop.http.get("/openapi.json")).json())
    assert {"cursor", "limit"} <= set(names)
    assert len(set(names)) > 5
    assert [name for name in names if SECRET.search(name)] == []


async def test_one_address_may_carry_a_token_that_opens_one_product(shop: Shop) -> None:
    """Downloads and pictures send no headers: a link's token stands in the address, which no log of the shop has."""
    document = (await shop.http.get("/openapi.json")).json()
    names = [each.get("name", each.get("$ref")) for each in document["paths"]["/v1/access"]["get"]["parameters"]]
    assert [name for name in names if SECRET.search(name)] == ["token"]
