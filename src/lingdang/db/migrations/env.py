"""Alembic's entry: one connection, one transaction, one migration at a time, and then functions and views."""

from typing import Any

import psycopg
from alembic import context
from sqlalchemy import create_engine, pool, text

from lingdang.db import sql_files


def _connect() -> psycopg.Connection:
    # psycopg reads every form of URL itself; nothing prepared may stay behind in a PgBouncer's connection.
    return psycopg.connect(context.config.attributes["url"], prepare_threshold=None)


engine = create_engine("postgresql+psycopg://", creator=_connect, poolclass=pool.NullPool)
with engine.connect() as connection:
    context.configure(connection=connection, transactional_ddl=True, transaction_per_migration=False)
    with context.begin_transaction():
        # Two servers that start together migrate one after the other; the second finds nothing to do.
        connection.execute(text("SELECT pg_advisory_xact_lock(7310579618)"))
        context.run_migrations()
        raw: Any = connection.connection.driver_connection
        sql_files.apply(raw, sql_files.texts())
