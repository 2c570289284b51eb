"""Ids within a parameter, checked one by one."""

import re

from lingdang.http.problems import invalid
from lingdang.ids import ID_PATTERN, ID_RULE

_ID = re.compile(ID_PATTERN)


def checked_id(text: str, name: str) -> str:
    """An id from a path or a query as it stands. Raises Problem `invalid_request` at `$.name`."""
    if not _ID.match(text):
        raise invalid(f"$.{name}", f"Expected {ID_RULE}")
    return text
