"""Requests read as strictly as the contract says: Litestar alone would take "80" for 80, and any text for an id."""

import re
from typing import Any

import msgspec
from litestar import Request

from lingdang.errors import invalid
from lingdang.ids import CUST_ID_PATTERN, CUST_ID_RULE, ID_PATTERN, ID_RULE

_ID = re.compile(ID_PATTERN)
_CUST_ID = re.compile(CUST_ID_PATTERN)


class StrictRequest(Request[Any, Any, Any]):
    """A request whose JSON body must have the very types of the handler's `data`."""

    async def json(self) -> Any:
        """The body, decoded and checked. Raises msgspec's errors, which become `invalid_request`."""
        field = self.route_handler.parsed_data_field
        return msgspec.json.decode(await self.body(), type=Any if field is None else field.annotation)


def checked_id(text: str, name: str) -> str:
    """An id from a path or a query as it stands. Raises Problem `invalid_request` at `$.name`."""
    if not _ID.match(text):
        raise invalid(f"$.{name}", f"Expected {ID_RULE}")
    return text


def checked_cust_id(text: str) -> str:
    """A customer's id from a path or a query as it stands. Raises Problem `invalid_request` at `$.custId`."""
    if not _CUST_ID.match(text):
        raise invalid("$.custId", f"Expected {CUST_ID_RULE}")
    return text
