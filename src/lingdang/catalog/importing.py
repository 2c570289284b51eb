"""Importing a catalogue: the good rows are kept, every bad one is named by its line and the reason.

An import may be repeated: a row creates its product, replaces it, or finds it equal and leaves it untouched.
Rows go in a chunk at a time, each a transaction of its own, written by one thread while the other reads on: by COPY
into the table itself as long as every product is new, else by COPY beside it and one set-based statement.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import datetime
from operator import itemgetter
from typing import Any

import msgspec
import psycopg

from lingdang.catalog.mapping import Shape
from lingdang.catalog.products import ON_CONFLICT_REPLACE, WRITTEN_COLUMNS, ProductRecord, written_row
from lingdang.catalog.rows import Parsed, Source
from lingdang.clock import rfc3339

CHUNK = 20_000
"""Rows of one transaction."""

_STAGE = """
    CREATE TEMPORARY TABLE staged_product (
        product_id text COLLATE "C", title text, currency text, price bigint, list_price bigint, publisher text,
        intro text, cover_url text, attributes jsonb, on_sale_from timestamptz, on_sale_until timestamptz,
        status text, popularity bigint, terms text
    ) ON COMMIT DROP
"""
_COPY_STAGED = "COPY staged_product FROM STDIN"
_COPY_NEW = f"COPY product ({WRITTEN_COLUMNS}, created_at, updated_at) FROM STDIN"
_MERGE = f"""
    WITH merged AS (
        INSERT INTO product AS p ({WRITTEN_COLUMNS}, created_at, updated_at)
        SELECT product_id, title, currency, price, list_price, publisher, intro, cover_url, attributes, on_sale_from,
               on_sale_until, status, popularity, array_to_tsvector(string_to_array(terms, ' ')), %(now)s, %(now)s
          FROM staged_product
        {ON_CONFLICT_REPLACE}
        RETURNING xmax = 0 AS created
    )
    SELECT count(*) FILTER (WHERE created), count(*) FILTER (WHERE NOT created) FROM merged
"""  # noqa: S608 - constants of the package

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


def import_products(
    connection: psycopg.Connection[Any],
    source: Source,
    shape: Shape,
    now: datetime,
    *,
    on_rejected: Callable[[Rejected], None] = lambda _: None,
    on_progress: Callable[[int], None] = lambda _: None,
) -> Counts:
    """Import every row of `source`. Numbers and times may also be given as text, as CSV has it.

    `on_progress` is given the bytes read so far. A productId that the file gave before is rejected, so the first row
    of it stands. Raises FileError for an unusable file; psycopg.Error when the database fails, with the finished
    chunks kept.
    """
    counts = Counts()

    def reject(rejected: Rejected) -> None:
        counts.rejected += 1
        on_rejected(rejected)

    def add(written: Future[tuple[int, int, int]]) -> None:
        created, updated, unchanged = written.result()
        counts.created += created
        counts.updated += updated
        counts.unchanged += unchanged

    written_by = _Writer(connection, now)
    with ThreadPoolExecutor(max_workers=1) as writer:
        under_way: Future[tuple[int, int, int]] | None = None
        for chunk in _chunks(source.rows(), shape, reject):
            if under_way is not None:
                add(under_way)
            under_way = writer.submit(written_by.write, chunk)
            on_progress(source.position)
        if under_way is not None:
            add(under_way)
    connection.execute("ANALYZE product")  # lists choose their index by how common a term is
    on_progress(source.position)
    return counts


def _chunks(rows: Iterator[Parsed], shape: Shape, reject: Callable[[Rejected], None]) -> Iterator[list[Values]]:
    first_lines: dict[str, int] = {}
    chunk: list[Values] = []
    for parsed in rows:
        try:
            record = _record(parsed, shape)
            earlier = first_lines.setdefault(record.product_id, parsed.line)
            if earlier != parsed.line:
                raise ValueError(f"productId {record.product_id} was given before, on line {earlier}")
        except ValueError as error:
            reject(Rejected(parsed.line, str(error)))
            continue
        chunk.append(written_row(record.product_id, record))
        if len(chunk) == CHUNK:
            yield chunk
            chunk = []
    if chunk:
        yield chunk


def _record(parsed: Parsed, shape: Shape) -> ProductRecord:
    """Raises ValueError (which msgspec.ValidationError is) with the reason."""
    if parsed.row is None:
        raise ValueError(parsed.reason)
    return msgspec.convert(shape(parsed.row), ProductRecord, strict=False)


class _Writer:
    """Writes chunks, each in the order of its keys: imports at once wait for each other, and never in a circle."""

    def __init__(self, connection: psycopg.Connection[Any], now: datetime) -> None:
        self._connection = connection
        self._now = now
        self._all_new = True

    def write(self, chunk: list[Values]) -> tuple[int, int, int]:
        """Write one chunk in a transaction. Returns how many products are new, changed and as they were."""
        chunk.sort(key=itemgetter(0))
        if self._all_new:
            try:
                return self._add(chunk)
            except psycopg.errors.UniqueViolation:
                self._all_new = False  # more of this file's products are likely to be there
        return self._merge(chunk)

    def _add(self, chunk: list[Values]) -> tuple[int, int, int]:
        moment = rfc3339(self._now)
        with self._connection.transaction(), self._connection.cursor() as cursor, cursor.copy(_COPY_NEW) as copy:
            for row in chunk:
                # Terms are letters and digits alone: with spaces between they are a tsvector's text as they stand.
                copy.write_row((*row, moment, moment))
        return len(chunk), 0, 0

    def _merge(self, chunk: list[Values]) -> tuple[int, int, int]:
        with self._connection.transaction(), self._connection.cursor() as cursor:
            cursor.execute(_STAGE)
            with cursor.copy(_COPY_STAGED) as copy:
                for row in chunk:
                    copy.write_row(row)
            cursor.execute(_MERGE, {"now": self._now})
            created, updated = cursor.fetchone() or (0, 0)
        return created, updated, len(chunk) - created - updated
