"""Parameters that several routes take."""

from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import Meta

from lingdang.ids import CustId, ProductId
from lingdang.paging import Window, window

Cursor = Annotated[str | None, Meta(description="The nextCursor of the page before.")]


class OfProduct(msgspec.Struct, frozen=True, rename="camel"):
    """Which product."""

    product_id: ProductId


class OfOrder(msgspec.Struct, frozen=True, rename="camel"):
    """Which order."""

    order_id: Annotated[UUID, Meta(description="The order's UUID.")]


class OfCustomer(msgspec.Struct, frozen=True, rename="camel"):
    """Which customer."""

    cust_id: CustId


class Limited(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """How long a page of a list may be."""

    limit: Annotated[
        str | None,
        Meta(
            description="How many items: 1 to 200, 50 unless told.",
            extra_json_schema={"type": "integer", "minimum": 1, "maximum": 200},
        ),
    ] = None

    def count(self) -> int:
        """How many items. Raises Problem `invalid_request`."""
        return window(self.limit, None).limit


class Pages(Limited, frozen=True, rename="camel", kw_only=True):
    """Which page of a list."""

    cursor: Cursor = None

    def window(self) -> Window:
        """How many, and after which key. Raises Problem `invalid_request`."""
        return window(self.limit, self.cursor)


class PagesOfCustomer(Pages, frozen=True, rename="camel", kw_only=True):
    """Whose list, and which page of it."""

    cust_id: CustId
