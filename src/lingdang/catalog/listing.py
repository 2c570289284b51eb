"""Lists of what is on sale, all of it or what a search finds: most popular first, page by page.

Before all others stand the products whose whole title is the search. The order is that of an index and a page begins
after a key, so the last page costs what the first one does.
"""

from datetime import datetime
from typing import Any, NamedTuple

from lingdang.catalog.products import PRODUCT_FIELDS, ProductView, shown
from lingdang.catalog.terms import Search, search_of
from lingdang.db.pool import Pool
from lingdang.errors import invalid_field
from lingdang.owner import Owner, transaction_as
from lingdang.paging import Page, Window, foreign_cursor, page

MAX_QUERY = 200
_FIRST = (2**62, "")
_NONE = (-1, "")
_WHOLE = "="
"""Begins the cursor of a page that ends among the products whose whole title is the search."""

_PAGE = f"""
    SELECT {PRODUCT_FIELDS}, {{whole}}
      FROM product p
     WHERE product_on_sale(p, %b) AND (p.popularity, p.product_id) < (%b, %b) {{matching}}
     ORDER BY p.popularity DESC, p.product_id DESC
     LIMIT %b
"""  # noqa: S608 - constants of the package
_ALL = _PAGE.format(whole="false", matching="")
_MATCHING = "AND p.search @@ %b::text::tsquery"
_OTHER = "AND NOT p.search @@ %b::text::tsquery"


class _After(NamedTuple):
    """Where a page begins: behind which products of a whole title, and behind which others."""

    whole: tuple[int, str]
    other: tuple[int, str]


async def list_products(pool: Pool, owner: Owner, query: str, window: Window, now: datetime) -> Page[ProductView]:
    """One page of the products on sale that `query` finds; a blank query lists them all.

    Raises Problem `invalid_request` for a query that is too long or a cursor that is none.
    """
    if len(query) > MAX_QUERY:
        raise invalid_field("query", f"Expected at most {MAX_QUERY} characters")
    after = _after(window.after)
    search = search_of(query) if query.strip() else None
    if search is None:
        statements = [(_ALL, [now, *after.other, window.limit + 1])]
    elif search.title is None:
        return Page([], None)
    else:
        either = [search] if search.parted is None else [search, search._replace(words=search.parted)]
        statements = [_matching(each, after, now, window.limit + 1) for each in either]
    rows: list[Any] = []
    async with transaction_as(pool, owner) as connection:
        for sql, parameters in statements:  # the next one only where nothing was found
            # Not prepared: which index is the faster one depends on how common these very terms are.
            cursor = await connection.execute(sql, parameters, binary=True, prepare=False)
            rows = await cursor.fetchall()
            if rows:
                break
    products = [shown(row, now) for row in rows]
    marks = [_WHOLE if row[-1] else "" for row in rows]
    cursors = [f"{mark}{p.popularity} {p.product_id}" for mark, p in zip(marks, products, strict=True)]
    return page(products, cursors, window.limit)


def _matching(search: Search, after: _After, now: datetime, limit: int) -> tuple[str, list[Any]]:
    """The products whose whole title it is, then the others with all of its terms."""
    whole = _PAGE.format(whole="true", matching=_MATCHING)
    parameters = [now, *after.whole, search.title, limit]
    if search.words is None:
        return whole, parameters
    other = _PAGE.format(whole="false", matching=f"{_MATCHING} {_OTHER}")
    parameters += [now, *after.other, search.words, search.title, limit, limit]
    # The columns by place: whether it is the whole title, popularity and id.
    order = "ORDER BY 16 DESC, 13 DESC, 1 DESC LIMIT %b"
    return f"({whole}) UNION ALL ({other}) {order}", parameters


def _after(cursor: str | None) -> _After:
    if cursor is None:
        return _After(_FIRST, _FIRST)
    whole = cursor.startswith(_WHOLE)
    popularity, _, product_id = cursor.removeprefix(_WHOLE).partition(" ")
    if not (popularity.isascii() and popularity.isdigit() and len(popularity) <= 16 and product_id):
        raise foreign_cursor()
    key = (int(popularity), product_id)
    return _After(key, _FIRST) if whole else _After(_NONE, key)
