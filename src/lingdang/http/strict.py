"""Requests read as strictly as the contract says: Litestar alone would take "80" for 80, and any text for an id."""

import re
from typing import Any

import msgspec
from litestar import Request

from lingdang.errors import invalid
from lingdang.ids import ID_PATTERN

_ID = re.compile(ID_PATTERN)


class StrictRequest(Request[Any, Any, Any]):
    """A request whose JSON body must have the very types of the handler's `data`."""

    async def json(self) -> Any:
        """The body, decoded and checked. Raises msgspec's errors, which become `invalid_request`."""
        field = self.route_handler.parsed_data_field
        return msgspec.json.decode(await self.body(), type=Any if field is None else field.annotation)


def checked_id(text: str, name: str) -> str:
    """An id from a path or a query as it stands. Raises Problem `invalid_request` at `$.name`."""
    if not _ID.match(text):
        raise invalid(f"$.{name}", "Expected 1 to 64 of A-Z a-z 0-9 . _ : -")
    return text
