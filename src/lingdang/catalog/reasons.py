"""Why a row was not taken, in words for whoever made the file."""

import re
from collections.abc import Mapping
from typing import Any

import msgspec

_PLACE = re.compile(r"(?P<what>.*?)(?: - at `\$\.?(?P<where>[^`]*)`)?\Z", re.DOTALL)
_ID = "Expected 1 to 64 of A-Z a-z 0-9 . _ : -"
_EXPECTED = {
    "productId": _ID,
    "currency": "Expected a currency, 1 to 16 of A-Z 0-9 _",
    "coverUrl": "Expected an address that begins with http:// or https://, without spaces",
}
_ATTRIBUTE_NAMES = "attributes: Expected names of 1 to 64 of A-Z a-z 0-9 . _ -"
_MOMENT = "Expected a moment with its zone, such as 2027-01-31T16:00:00Z"
_STATUS = "Expected active or withdrawn"
_NO_CONTROLS = "Expected no control characters, such as line ends"


def reason_of(error: ValueError, row: Mapping[str, Any] | None = None) -> str:
    """One line. It says so when the row's cells have line ends: an unclosed quote may have swallowed rows."""
    text = str(error)
    if isinstance(error, msgspec.ValidationError):
        found = _PLACE.match(text)
        assert found is not None, "every text matches"
        where, what = found["where"] or "", found["what"]
        if text.endswith(" - at `key` in `$.attributes`"):
            return _ATTRIBUTE_NAMES
        if "matching regex" in what:
            what = _EXPECTED.get(where, _NO_CONTROLS)
        if what.startswith("Invalid RFC3339"):
            what = _MOMENT
        if where == "status" and what.startswith("Invalid enum value"):
            what = f"{_STATUS}, got {what.removeprefix('Invalid enum value ')}"
        text = f"{where}: {what}" if where else what
    lines = _line_ends(row)
    return f"{text} (the row has {lines + 1} lines: was a quote not closed?)" if lines else text


def _line_ends(row: Mapping[str, Any] | None) -> int:
    texts = [value for value in (row or {}).values() if isinstance(value, str)]
    return sum(len(re.findall(r"\r\n|\r|\n", text)) for text in texts)
