"""Addresses end up in logs, histories and proxies: nothing in them opens anything."""

import re
from typing import Any

from support.shop import Shop

SECRET = re.compile(r"token|password|sign|key|secret|code|auth", re.IGNORECASE)


def _of_addresses(document: dict[str, Any]) -> list[str]:
    """The names of all parameters in paths and queries."""
    operations = [o for path in document["paths"].values() for o in path.values() if isinstance(o, dict)]
    parameters = [p for operation in operations for p in operation.get("parameters", [])]
    return [parameter["name"] for parameter in parameters if parameter["in"] in ("path", "query")]


async def test_no_secret_goes_into_an_address(shop: Shop) -> None:
    names = _of_addresses((await shop.http.get("/openapi.json")).json())
    assert {"cursor", "limit"} <= set(names)
    assert len(set(names)) > 5
    assert [name for name in names if SECRET.search(name)] == []
