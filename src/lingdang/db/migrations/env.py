"""Alembic's entry: one connection, one transaction, one migration at a time, and then functions and views."""

from typing import Any

import psycopg
from alembic import context
from sqlalchemy import create_engine, pool, text

from lingdang.db import sql_files
from lingdang.db.migrate import OLDEST


def _connect() -> psycopg.Connection:
    # psycopg reads every form of URL itself; nothing prepared may stay behind in a PgBouncer's connection.
    return psycopg.connect(context.config.attributes["url"], prepare_threshold=None)


engine = create_engine("postgresql+psycopg://", creator=_connect, poolclass=pool.NullPool)
with engine.connect() as connection:
    context.configure(connection=connection, transactional_ddl=True, transaction_per_migration=False)
    with context.begin_transaction():
        # Two servers that start together migrate one after the other; the second finds nothing to do.
        connection.execute(text("SELECT pg_advisory_xact_lock(7310579618)"))
        # Workers go on meanwhile. A table that is waited for holds up all who come after, and who waits for this one in
        # turn is thrown out after a second: so this one gives way before, and is run again.
        connection.execute(text("SET LOCAL lock_timeout = '300ms'"))
        # Settlements hold several tables, in another order: none runs until this is over (lingdang.ledger, load.sql).
        connection.execute(text("SELECT pg_advisory_xact_lock(7308319, 2)"))
        context.run_migrations()
        raw: Any = connection.connection.driver_connection
        sql_files.apply(raw, sql_files.texts())
        raw.execute("UPDATE deployment SET oldest = %s WHERE oldest <> %s", (OLDEST, OLDEST))
