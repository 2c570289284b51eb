"""Lists of what is on sale, all of it or what a search finds: most popular first, page by page.

The order is that of an index and a page begins after a key, so the last page costs what the first one does.
"""

from datetime import datetime

from lingdang.catalog.products import PRODUCT_FIELDS, Product, product_of
from lingdang.catalog.terms import query_terms, tsquery
from lingdang.db.pool import Owner, Pool, transaction_as
from lingdang.errors import invalid
from lingdang.http.paging import Page, Window, page

MAX_QUERY = 200
_FIRST = (2**62, "")

_LIST = f"""
    SELECT {PRODUCT_FIELDS}, true
      FROM product p
     WHERE product_on_sale(p, %b) AND (p.popularity, p.product_id) < (%b, %b) {{matching}}
     ORDER BY p.popularity DESC, p.product_id DESC
     LIMIT %b
"""  # noqa: S608 - constants of the package
_LIST_ALL = _LIST.format(matching="")
_LIST_MATCHING = _LIST.format(matching="AND p.search @@ %b::text::tsquery")


async def list_products(pool: Pool, owner: Owner, query: str, window: Window, now: datetime) -> Page[Product]:
    """One page of the products on sale that have every term of `query`; a blank query lists them all.

    Raises Problem `invalid_request` for a query that is too long or a cursor that is none.
    """
    if len(query) > MAX_QUERY:
        raise invalid("$.query", f"Expected at most {MAX_QUERY} characters")
    after = _after(window.after)
    terms = query_terms(query)
    if query.strip() and not terms:
        return Page([], None)
    sql = _LIST_MATCHING if terms else _LIST_ALL
    matching = (tsquery(terms),) if terms else ()
    async with transaction_as(pool, owner) as connection:
        # Not prepared: which index is the faster one depends on how common these very terms are.
        cursor = await connection.execute(sql, (now, *after, *matching, window.limit + 1), binary=True, prepare=False)
        products = [product_of(row) for row in await cursor.fetchall()]
    return page(products, [f"{product.popularity} {product.product_id}" for product in products], window.limit)


def _after(cursor: str | None) -> tuple[int, str]:
    if cursor is None:
        return _FIRST
    popularity, _, product_id = cursor.partition(" ")
    if not (popularity.isascii() and popularity.isdigit() and len(popularity) <= 16 and product_id):
        raise invalid("$.cursor", "Not a cursor that this server gave")
    return int(popularity), product_id
