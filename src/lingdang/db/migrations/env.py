"""Alembic's entry: one connection, one transaction, one migration at a time."""

from alembic import context
from sqlalchemy import create_engine, pool, text

url = context.config.attributes["url"].replace("postgresql://", "postgresql+psycopg://", 1)
engine = create_engine(url, poolclass=pool.NullPool)
with engine.connect() as connection:
    context.configure(connection=connection, transactional_ddl=True, transaction_per_migration=False)
    with context.begin_transaction():
        # Two servers that start together migrate one after the other; the second finds nothing to do.
        connection.execute(text("SELECT pg_advisory_xact_lock(7310579618)"))
        context.run_migrations()
