"""What is sold: a product as it is written, as it is read, and both ways to and from its table."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, Literal, NamedTuple

import msgspec
from msgspec import Meta
from msgspec.structs import force_setattr
from psycopg.types.json import Jsonb

from lingdang.catalog.attributes import typed
from lingdang.catalog.product import Product, on_sale
from lingdang.catalog.terms import product_terms
from lingdang.catalog.text import is_blank, trimmed
from lingdang.db.pool import Connection
from lingdang.errors import Problem
from lingdang.ids import DEFAULT_CURRENCY, Currency, Price, ProductId, ruled
from lingdang.moments import Moment, is_usable

_NO_CONTROLS = ruled(r"^[^\x00-\x1f\x7f-\x9f]*\Z", "no control characters, such as line ends")
_PROSE = ruled(r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]*\Z", "no control characters but for tabs and line ends")
_ADDRESS = ruled(r"^https?://[!-~]+\Z", "an address that begins with http:// or https://, without spaces")
_ATTRIBUTE = ruled(r"^[A-Za-z0-9_.-]{1,64}\Z", "a name of 1 to 64 of A-Z a-z 0-9 . _ -")

Title = Annotated[str, Meta(min_length=1, max_length=300, pattern=_NO_CONTROLS)]
Publisher = Annotated[str, Meta(min_length=1, max_length=200, pattern=_NO_CONTROLS)]
Intro = Annotated[str, Meta(max_length=5000, pattern=_PROSE)]
CoverUrl = Annotated[str, Meta(max_length=2000, pattern=_ADDRESS)]
AttributeName = Annotated[str, Meta(pattern=_ATTRIBUTE)]
AttributeValue = (
    Annotated[str, Meta(max_length=1000, pattern=_NO_CONTROLS)]
    | Annotated[int, Meta(ge=-(2**53), le=2**53)]
    | Annotated[float, Meta(ge=-1e15, le=1e15)]
    | bool
)
MAX_ATTRIBUTES = 50
Attributes = Annotated[dict[AttributeName, AttributeValue], Meta(max_length=MAX_ATTRIBUTES)]
Popularity = Annotated[int, Meta(ge=0, le=2**53, description="Lists show the higher one first.")]
Status = Literal["active", "withdrawn"]


class ProductInput(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """A product as its seller states it. `list_price` is the price before a reduction; without one it is `price`.

    Titles and publishers are trimmed, and attributes that the shop itself reads get the type that it reads.
    """

    title: Title
    price: Price
    list_price: Price | None = None
    currency: Currency = DEFAULT_CURRENCY
    publisher: Publisher | None = None
    intro: Intro = ""
    cover_url: CoverUrl | None = None
    attributes: Attributes = {}
    on_sale_from: Moment | None = None
    on_sale_until: Moment | None = None
    status: Status = "active"
    popularity: Popularity = 0

    def __post_init__(self) -> None:
        force_setattr(self, "title", trimmed(self.title))
        force_setattr(self, "attributes", typed(self.attributes))
        if is_blank(self.title):
            raise ValueError("Expected a title of which something shows")
        if self.publisher is not None:
            force_setattr(self, "publisher", trimmed(self.publisher))
            if is_blank(self.publisher):
                raise ValueError("Expected a publisher of which something shows, or none")
        if self.list_price is not None and self.list_price < self.price:
            raise ValueError("Expected `listPrice` >= `price`")
        if not (is_usable(self.on_sale_from) and is_usable(self.on_sale_until)):
            raise ValueError("Expected `onSaleFrom` and `onSaleUntil` within the years 2000 to 2999, in UTC")
        if self.on_sale_from and self.on_sale_until and self.on_sale_from >= self.on_sale_until:
            raise ValueError("Expected `onSaleFrom` before `onSaleUntil`")


class ProductRecord(ProductInput, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """A product of an import: with its id."""

    product_id: ProductId


class ProductView(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A product as it is shown. `available`: it can be bought at the moment of reading. Times are UTC."""

    product_id: str
    title: str
    currency: str
    price: int
    list_price: int
    publisher: str | None
    intro: str
    cover_url: str | None
    attributes: dict[str, str | int | float | bool]
    on_sale_from: datetime | None
    on_sale_until: datetime | None
    status: Status
    popularity: int
    available: bool
    created_at: datetime
    updated_at: datetime


class Written(NamedTuple):
    """What `put_product` did: the product as it stands now, and whether it is new."""

    product: ProductView
    created: bool


PRODUCT_FIELDS = """
    p.product_id, p.title, p.currency, p.price, p.list_price, p.publisher, p.intro, p.cover_url, p.attributes,
    p.on_sale_from, p.on_sale_until, p.status, p.popularity, p.created_at, p.updated_at
"""
"""What `shown` reads of `product p`."""

WRITTEN_COLUMNS = """
    product_id, title, currency, price, list_price, publisher, intro, cover_url, attributes, on_sale_from,
    on_sale_until, status, popularity, search
"""

ON_CONFLICT_REPLACE = """
    ON CONFLICT (product_id) DO UPDATE SET
        title = excluded.title, currency = excluded.currency, price = excluded.price,
        list_price = excluded.list_price, publisher = excluded.publisher, intro = excluded.intro,
        cover_url = excluded.cover_url, attributes = excluded.attributes, on_sale_from = excluded.on_sale_from,
        on_sale_until = excluded.on_sale_until, status = excluded.status, popularity = excluded.popularity,
        search = excluded.search, updated_at = excluded.updated_at
    WHERE (p.title, p.currency, p.price, p.list_price, p.publisher, p.intro, p.cover_url, p.attributes,
           p.on_sale_from, p.on_sale_until, p.status, p.popularity)
          IS DISTINCT FROM
          (excluded.title, excluded.currency, excluded.price, excluded.list_price, excluded.publisher,
           excluded.intro, excluded.cover_url, excluded.attributes, excluded.on_sale_from,
           excluded.on_sale_until, excluded.status, excluded.popularity)
"""
"""Replaces what differs and leaves an equal product untouched, its `updated_at` included."""

_PUT = f"""
    INSERT INTO product AS p ({WRITTEN_COLUMNS}, created_at, updated_at)
    VALUES (%b, %b, %b, %b, %b, %b, %b, %b, %b, %b, %b, %b, %b, array_to_tsvector(string_to_array(%b, ' ')), %b, %b)
    {ON_CONFLICT_REPLACE}
    RETURNING xmax = 0
"""  # noqa: S608 - constants of this module

_GET = f"SELECT {PRODUCT_FIELDS} FROM product p WHERE product_id = %b"  # noqa: S608


async def put_product(connection: Connection, product_id: str, product: ProductInput, now: datetime) -> Written:
    """Create or fully replace one product, within the caller's transaction."""
    row = written_row(product_id, product)
    values = (*row[:8], Jsonb(product.attributes), *row[9:], now, now)
    cursor = await connection.execute(_PUT, values)
    result = await cursor.fetchone()
    return Written(await get_product(connection, product_id, now), created=result is not None and bool(result[0]))


async def get_product(connection: Connection, product_id: str, now: datetime) -> ProductView:
    """One product, on sale or not. Raises Problem `not_found`."""
    cursor = await connection.execute(_GET, (product_id,), binary=True)
    row = await cursor.fetchone()
    if row is None:
        raise Problem("not_found")
    return shown(row, now)


def written_row(product_id: str, product: ProductInput) -> tuple[Any, ...]:
    """The values of WRITTEN_COLUMNS: `attributes` as JSON text, `search` as its terms with spaces between."""
    list_price = product.price if product.list_price is None else product.list_price
    return (
        product_id,
        product.title,
        product.currency,
        product.price,
        list_price,
        product.publisher,
        product.intro,
        product.cover_url,
        msgspec.json.encode(product.attributes).decode(),
        product.on_sale_from,
        product.on_sale_until,
        product.status,
        product.popularity,
        " ".join(product_terms(product.title, product.publisher or "", str(product.attributes.get("authors", "")))),
    )


def shown(row: Sequence[Any], now: datetime) -> ProductView:
    """A product as it is shown at this moment, from a row of PRODUCT_FIELDS."""
    since, until = _utc(row[9]), _utc(row[10])
    return ProductView(
        product_id=row[0],
        title=row[1],
        currency=row[2],
        price=row[3],
        list_price=row[4],
        publisher=row[5],
        intro=row[6],
        cover_url=row[7],
        attributes=row[8],
        on_sale_from=since,
        on_sale_until=until,
        status=row[11],
        popularity=row[12],
        created_at=row[13].astimezone(UTC),
        updated_at=row[14].astimezone(UTC),
        available=on_sale(row[11] == "active", since, until, now),
    )


def view_of(product: Product, now: datetime) -> ProductView:
    """A product that was read whole, as it is shown at this moment."""
    detail = product.told()
    return ProductView(
        product_id=product.product_id,
        title=product.title,
        currency=product.currency,
        price=product.price,
        list_price=product.list_price,
        publisher=product.publisher,
        intro=detail.intro,
        cover_url=detail.cover_url,
        attributes=detail.attributes,
        on_sale_from=product.on_sale_from,
        on_sale_until=product.on_sale_until,
        status="active" if product.active else "withdrawn",
        popularity=detail.popularity,
        created_at=detail.created_at,
        updated_at=detail.updated_at,
        available=product.on_sale(now),
    )


def _utc(moment: datetime | None) -> datetime | None:
    return None if moment is None else moment.astimezone(UTC)
