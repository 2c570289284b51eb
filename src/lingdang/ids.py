"""Identifiers: the platform's own strings, and the UUIDv7s that Lingdang makes."""

import os
import re
import time
from datetime import datetime
from typing import Annotated
from uuid import UUID

import msgspec

# Neither `.` nor `..` alone: a client's URL parser would take them for steps of a path.
ID_PATTERN = r"^(?!\.{1,2}\Z)[A-Za-z0-9._:-]{1,64}\Z"
ID_RULE = "1 to 64 of A-Z a-z 0-9 . _ : -, and neither . nor .. alone"
CUST_ID_PATTERN = r"^(?!\.{1,2}\Z)[A-Za-z0-9._:@|+~-]{1,128}\Z"
"""Wider than other ids: subjects of identity providers, `auth0|5f7c…` or an e-mail address, are custIds as they are."""
CUST_ID_RULE = "1 to 128 of A-Z a-z 0-9 . _ : @ | + ~ -, and neither . nor .. alone"

OWN_ID_PATTERN = r"^[A-Za-z0-9._:-]{1,64}\Z"
"""Ids of operators' and customers' own: of a request that is done once, of a coupon, of a voucher that is named."""
REMARK_PATTERN = r"^[^\x00-\x1f\x7f]{1,200}\Z"
"""A line of text with a reason or a note."""
_CURRENCY_PATTERN = r"^[A-Z][A-Z0-9_]{0,15}\Z"

RULES = {
    ID_PATTERN: ID_RULE,
    CUST_ID_PATTERN: CUST_ID_RULE,
    OWN_ID_PATTERN: "1 to 64 of A-Z a-z 0-9 . _ : -",
    REMARK_PATTERN: "1 to 200 characters in one line",
    _CURRENCY_PATTERN: "1 to 16 of A-Z 0-9 _, the first a letter",
}
"""The patterns in words, for whoever sent something else."""


def ruled(pattern: str, rule: str) -> str:
    """The pattern, whose rule is from now on told in these words."""
    RULES[pattern] = rule
    return pattern


_MATCHING = re.compile(r"^Expected `str` matching regex (.*?)( - at `[^`]*`)?$", re.DOTALL)


def in_words(message: str) -> str:
    """What msgspec says of a text that matches no pattern, by the pattern's rule; any other message as it is.

    Where it says at which place, it still does.
    """
    found = _MATCHING.match(message)
    if found is None:
        return message
    place = found[2] or ""
    return next((f"Expected {rule}{place}" for pattern, rule in RULES.items() if repr(pattern) == found[1]), message)


CustId = Annotated[str, msgspec.Meta(pattern=CUST_ID_PATTERN, description="The platform's id of a customer.")]
ProductId = Annotated[str, msgspec.Meta(pattern=ID_PATTERN, description="The platform's id of a product.")]
Currency = Annotated[str, msgspec.Meta(pattern=_CURRENCY_PATTERN, description="A virtual currency.")]

DEFAULT_CURRENCY = "BELL"

MAX_AMOUNT = 10**15
"""No single amount and no balance goes beyond this many bells; sums of many stay far inside int64."""

MAX_LINES = 100
"""Products of one order."""
MAX_PRICE = MAX_AMOUNT // MAX_LINES
"""No product costs more, so that what any order costs can be held by a wallet, and counted by JavaScript."""

Price = Annotated[int, msgspec.Meta(ge=0, le=MAX_PRICE, description="Whole bells.")]


class Customer(msgspec.Struct, frozen=True, gc=False):
    """A customer: the key in all their rows, and the platform's id, which is for people and programs outside."""

    key: int
    cust_id: str


_EPOCH_MILLIS = 1_577_836_800_000
_RANDOM_BITS = 22


def uuid7(moment: datetime | None = None) -> UUID:
    """A new UUIDv7 (RFC 9562), of now unless told: 48 bits of Unix milliseconds, then 74 random bits."""
    millis = time.time_ns() // 1_000_000 if moment is None else _millis(moment)
    bits = int.from_bytes(os.urandom(10), "big")
    value = millis << 80 | 0x7 << 76 | (bits >> 62 & 0xFFF) << 64 | 0b10 << 62 | bits & (1 << 62) - 1
    return UUID(int=value)


def oldest_uuid7(moment: datetime) -> UUID:
    """No UUIDv7 that was made at this moment or later is less than this one."""
    return UUID(int=_millis(moment) << 80)


def newest_uuid7(moment: datetime) -> UUID:
    """No UUIDv7 of this moment or an earlier one is greater than this one."""
    return UUID(int=_millis(moment) << 80 | (1 << 80) - 1)


def _millis(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)


def new_customer() -> int:
    """A new customer's key: 41 bits of milliseconds since 2020, then 22 random bits.

    Two that are made in the same millisecond are the same once in four million times: whoever stores one tries again.
    Keys that begin with their time stand together in the indexes, with those of other new customers.
    """
    millis = time.time_ns() // 1_000_000 - _EPOCH_MILLIS
    return millis << _RANDOM_BITS | int.from_bytes(os.urandom(3), "big") >> 24 - _RANDOM_BITS


def bucket_of(customer: int, buckets: int) -> int:
    """The bucket, 0 ≤ b < buckets, that stands in every key of this customer's rows."""
    return customer % buckets
