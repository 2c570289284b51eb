"""Functions and views are files, one each, beside the Python that calls them; `migrate` applies those that changed.

A file may change what is inside a function at any time. Workers of the version before still run meanwhile, so what they
call keeps its parameters and its answer: another shape has another name, and the old file stays for one release
(docs/decisions/0021-sql-has-a-home.md).
"""

from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

import psycopg

VERSION = 1
"""Rises with each release in which a file changed: an older program leaves a newer one's files alone."""

FILES = (
    "identity/ended.sql",
    "catalog/on_sale.sql",
    "catalog/changed.sql",
    "catalog/read.sql",
    "catalog/load.sql",
    "cart/lock.sql",
    "cart/tick.sql",
    "coupons/claim.sql",
    "ledger/cause.sql",
    "ledger/account_name.sql",
    "ledger/entry.sql",
    "ledger/debt_paid.sql",
    "ledger/orders.sql",
    "ledger/order_line.sql",
    "ledger/order_voucher.sql",
    "ledger/credit.sql",
    "ledger/frozen.sql",
    "ledger/begin.sql",
    "ledger/begin_anew.sql",
    "ledger/load.sql",
    "ledger/found.sql",
    "ledger/since.sql",
    "ledger/write.sql",
    "ledger/save.sql",
    "checkout/facts.sql",
    "ledger/right_change.sql",
    "journal/moment.sql",
    "journal/horizon.sql",
    "journal/reference.sql",
    "journal/content.sql",
    "events/notice.sql",
    "topup/waits.sql",
)
"""In the order in which one builds on another."""

_PACKAGE = Path(__file__).parent.parent
_VIEW = "CREATE OR REPLACE VIEW "

_TABLE = """
CREATE TABLE IF NOT EXISTS sql_file (
    path    text COLLATE "C" PRIMARY KEY,
    digest  bytea NOT NULL,
    version integer NOT NULL
)
"""
_PUT = """
INSERT INTO sql_file (path, digest, version) VALUES (%s, %s, %s)
    ON CONFLICT (path) DO UPDATE SET digest = excluded.digest, version = excluded.version
"""

Connection = psycopg.Connection[Any]


def texts() -> dict[str, str]:
    """The files' texts by path, in their order."""
    return {path: (_PACKAGE / path).read_text("utf-8") for path in FILES}


def changed(connection: Connection, files: Mapping[str, str], version: int = VERSION) -> list[str]:
    """The paths whose files differ from what the database has; none when a newer version has been at it."""
    if connection.execute("SELECT to_regclass('sql_file')").fetchone() == (None,):
        return list(files)
    applied = {path: (digest, by) for path, digest, by in connection.execute("SELECT * FROM sql_file")}
    if any(by > version for _, by in applied.values()):
        return []
    return [path for path, text in files.items() if applied.get(path, (b"", 0))[0] != _digest(text)]


def apply(connection: Connection, files: Mapping[str, str], version: int = VERSION) -> list[str]:
    """Apply the files that changed, in the transaction that is open. Returns their paths.

    Views are dropped and made anew when one of them changed: its columns may be others. They are waited for as long as
    the transaction's `lock_timeout` says.
    """
    paths = changed(connection, files, version)
    if not paths:
        return []
    views = [path for path, text in files.items() if _VIEW in text]
    connection.execute(_TABLE)
    if not set(views).isdisjoint(paths):
        for path in reversed(views):
            connection.execute(f"DROP VIEW IF EXISTS {_view_name(files[path])}".encode())
        paths = [path for path in files if path in paths or path in views]
    for path in paths:
        connection.execute(files[path].encode())
        connection.execute(_PUT, (path, _digest(files[path]), version))
    return paths


def _digest(text: str) -> bytes:
    return sha256(text.encode()).digest()


def _view_name(text: str) -> str:
    return text.partition(_VIEW)[2].split()[0]
