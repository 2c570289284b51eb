"""Importing a catalogue: the good rows are kept, every bad one is named by its line and the reason.

An import is an update: a row creates its product, changes the fields that it names, or finds it as it is and leaves it
untouched. It may be repeated. Rows go in a chunk at a time, each a transaction of its own, written by one thread while
the other reads on: new products by COPY into the table itself, changed ones by COPY beside it and one statement.
"""

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import datetime
from operator import attrgetter
from typing import Any, NamedTuple

import msgspec
import psycopg

from lingdang.catalog.mapping import ColumnMapping, MappingError, Shape
from lingdang.catalog.patches import ProductPatch, changed, is_so_already, same
from lingdang.catalog.products import (
    PRODUCT_FIELDS,
    WRITTEN_COLUMNS,
    ProductRecord,
    ProductView,
    shown,
    written_row,
)
from lingdang.catalog.reasons import reason_of
from lingdang.catalog.rows import FileError, Parsed, Source
from lingdang.clock import rfc3339

CHUNK = 20_000
"""Rows of one transaction."""

_TRIES = 5
"""So often a chunk is written again when somebody else created one of its products meanwhile."""

_READ = f"""
    SELECT {PRODUCT_FIELDS} FROM product p WHERE product_id = ANY (%s) ORDER BY product_id FOR NO KEY UPDATE
"""  # noqa: S608 - constants of the package
_STAGE = """
    CREATE TEMPORARY TABLE staged_product (
        product_id text COLLATE "C", title text, currency text, price bigint, list_price bigint, publisher text,
        intro text, cover_url text, attributes jsonb, on_sale_from timestamptz, on_sale_until timestamptz,
        status text, popularity bigint, terms text
    ) ON COMMIT DROP
"""
_COPY_STAGED = "COPY staged_product FROM STDIN"
_COPY_NEW = f"COPY product ({WRITTEN_COLUMNS}, created_at, updated_at) FROM STDIN"
_CHANGE = """
    UPDATE product p SET
        title = s.title, currency = s.currency, price = s.price, list_price = s.list_price, publisher = s.publisher,
        intro = s.intro, cover_url = s.cover_url, attributes = s.attributes, on_sale_from = s.on_sale_from,
        on_sale_until = s.on_sale_until, status = s.status, popularity = s.popularity,
        search = array_to_tsvector(string_to_array(s.terms, ' ')), updated_at = %(now)s
      FROM staged_product s
     WHERE p.product_id = s.product_id
"""

Values = tuple[Any, ...]


class Rejected(msgspec.Struct, frozen=True):
    """A row that was not taken: its first physical line, and why."""

    line: int
    reason: str


class Counts(msgspec.Struct):
    """What became of the rows."""

    created: int = 0
    updated: int = 0
    unchanged: int = 0
    rejected: int = 0


class Read(NamedTuple):
    """A row that was read: what it names, and the product that it is where there is none of this id (or why not)."""

    product_id: str
    line: int
    values: dict[str, Any]
    new: Values | None
    not_new: str


class Chunk(NamedTuple):
    """Rows of one transaction, and those among them that no database has to be asked about."""

    rows: list[Read]
    rejected: list[Rejected]


def import_products(
    connection: psycopg.Connection[Any],
    source: Source,
    shape: Shape,
    now: datetime,
    *,
    counts: Counts | None = None,
    on_rejected: Callable[[Rejected], None] = lambda _: None,
    on_progress: Callable[[int], None] = lambda _: None,
) -> Counts:
    """Import every row of `source`. Numbers and times may also be given as text, as CSV has it.

    `on_progress` is given the bytes read so far, `counts` is counted up with every chunk that is committed. A productId
    that the file gave before is rejected, so the first row of it stands. Raises FileError for an unusable file;
    psycopg.Error when the database fails, with the finished chunks kept.
    """
    counts = Counts() if counts is None else counts
    _check(source, shape)
    written_by = _Writer(connection, now, shape.defaults if isinstance(shape, ColumnMapping) else {})

    def add(written: Future[tuple[Counts, list[Rejected]]]) -> None:
        chunk, rejected = written.result()
        counts.created += chunk.created
        counts.updated += chunk.updated
        counts.unchanged += chunk.unchanged
        counts.rejected += len(rejected)
        for each in rejected:
            on_rejected(each)

    with ThreadPoolExecutor(max_workers=1) as writer:
        under_way: Future[tuple[Counts, list[Rejected]]] | None = None
        for chunk in read_chunks(source.rows(), shape):
            if under_way is not None:
                add(under_way)
            under_way = writer.submit(written_by.write, chunk)
            on_progress(source.position)
        if under_way is not None:
            add(under_way)
    connection.execute("ANALYZE product")  # lists choose their index by how common a term is
    on_progress(source.position)
    return counts


def _check(source: Source, shape: Shape) -> None:
    """Raises FileError for a file without the columns that the shape needs."""
    if source.columns is not None and isinstance(shape, ColumnMapping):
        try:
            shape.check(source.columns)
        except MappingError as error:
            raise FileError(str(error)) from None


def read_chunks(rows: Iterator[Parsed], shape: Shape) -> Iterator[Chunk]:
    """The rows, CHUNK at a time, each product at most once."""
    defaults = shape.defaults if isinstance(shape, ColumnMapping) else {}
    first_lines: dict[str, int] = {}
    chunk = Chunk([], [])
    for parsed in rows:
        try:
            read = _read(parsed, shape, defaults)
            earlier = first_lines.setdefault(read.product_id, parsed.line)
            if earlier != parsed.line:
                raise ValueError(f"productId {read.product_id} was given before, on line {earlier}")
        except ValueError as error:
            chunk.rejected.append(Rejected(parsed.line, reason_of(error, parsed.row)))
            continue
        chunk.rows.append(read)
        if len(chunk.rows) == CHUNK:
            yield chunk
            chunk = Chunk([], [])
    if chunk.rows or chunk.rejected:
        yield chunk


def _read(parsed: Parsed, shape: Shape, defaults: Mapping[str, Any]) -> Read:
    """Raises ValueError (which msgspec.ValidationError is) with the reason."""
    if parsed.row is None:
        raise ValueError(parsed.reason)
    values = shape(parsed.row)
    try:
        record = msgspec.convert(_filled_in(values, defaults), ProductRecord, strict=False)
    except ValueError as error:
        patch = msgspec.convert(values, ProductPatch, strict=False)
        return Read(patch.product_id, parsed.line, values, None, reason_of(error, parsed.row))
    return Read(record.product_id, parsed.line, values, written_row(record.product_id, record), "")


def _filled_in(values: dict[str, Any], defaults: Mapping[str, Any]) -> dict[str, Any]:
    """A new product's fields: what the row names, and the defaults for what it does not; nothing is emptied."""
    if not defaults and "attributes" not in values and None not in values.values():
        return values
    filled = {**defaults, **values}
    filled = {field: value for field, value in filled.items() if value is not None}
    if isinstance(filled.get("attributes"), Mapping):
        given = {**(defaults.get("attributes") or {}), **filled["attributes"]}
        filled["attributes"] = {name: value for name, value in given.items() if value is not None}
    return filled


class _Writer:
    """Writes chunks, each in the order of its keys: imports at once wait for each other, and never in a circle."""

    def __init__(self, connection: psycopg.Connection[Any], now: datetime, defaults: Mapping[str, Any]) -> None:
        self._connection = connection
        self._now = now
        self._defaults = defaults

    def write(self, chunk: Chunk) -> tuple[Counts, list[Rejected]]:
        """Write one chunk in a transaction. Returns what became of its rows."""
        chunk.rows.sort(key=attrgetter("product_id"))
        for _ in range(_TRIES):
            try:
                with self._connection.transaction():
                    return self._write(chunk)
            except psycopg.errors.UniqueViolation as error:
                conflict = error  # somebody else has created one of them: it is there now
        raise conflict

    def _write(self, chunk: Chunk) -> tuple[Counts, list[Rejected]]:
        there = self._there([row.product_id for row in chunk.rows])
        new: list[Values] = []
        other: list[Values] = []
        rejected = list(chunk.rejected)
        for row in chunk.rows:
            product = there.get(row.product_id)
            try:
                if product is not None:
                    other += self._changed(row, product)
                elif row.new is not None:
                    new.append(row.new)
                else:
                    rejected.append(Rejected(row.line, f"{row.not_new} (there is no product {row.product_id} yet)"))
            except ValueError as error:
                rejected.append(Rejected(row.line, reason_of(error)))
        # New ones first: who waits for another's new product holds nothing yet that the other still needs.
        if new:
            self._copy_new(new)
        if other:
            self._change(other)
        rejected.sort(key=attrgetter("line"))
        unchanged = len(chunk.rows) + len(chunk.rejected) - len(new) - len(other) - len(rejected)
        return Counts(len(new), len(other), unchanged, len(rejected)), rejected

    def _there(self, product_ids: list[str]) -> dict[str, ProductView]:
        rows = self._connection.execute(_READ, (product_ids,)).fetchall()
        return {row[0]: shown(row, self._now) for row in rows}

    def _changed(self, row: Read, product: ProductView) -> list[Values]:
        """The product as the row changes it; nothing when it is so already."""
        values = row.values | _where_empty(self._defaults, row.values, product)
        patch = msgspec.convert(values, ProductPatch, strict=False)
        if is_so_already(product, patch):
            return []
        wanted = changed(product, patch)
        return [] if same(product, wanted) else [written_row(row.product_id, wanted)]

    def _copy_new(self, rows: list[Values]) -> None:
        moment = rfc3339(self._now)
        with self._connection.cursor() as cursor, cursor.copy(_COPY_NEW) as copy:
            for row in rows:
                # Terms hold nothing that needs quoting: with spaces between they are a tsvector's text as they stand.
                copy.write_row((*row, moment, moment))

    def _change(self, rows: list[Values]) -> None:
        with self._connection.cursor() as cursor:
            cursor.execute(_STAGE)
            with cursor.copy(_COPY_STAGED) as copy:
                for row in rows:
                    copy.write_row(row)
            cursor.execute(_CHANGE, {"now": self._now})


def _where_empty(defaults: Mapping[str, Any], values: Mapping[str, Any], product: ProductView) -> dict[str, Any]:
    """The defaults of what neither the row names nor the product has, and the row's attributes with them."""
    if not defaults:
        return {}
    has = {
        "publisher": product.publisher,
        "intro": product.intro,
        "coverUrl": product.cover_url,
        "onSaleFrom": product.on_sale_from,
        "onSaleUntil": product.on_sale_until,
    }
    filled = {field: defaults[field] for field in has if field in defaults and field not in values and not has[field]}
    if "attributes" in values and values["attributes"] is None:
        return filled
    attributes = values.get("attributes", {})
    more = {
        name: value
        for name, value in (defaults.get("attributes") or {}).items()
        if name not in attributes and name not in product.attributes
    }
    return filled | ({"attributes": attributes | more} if more else {})
