"""Running a migration's SQL as it stands, with no bind markers read into it."""

from alembic import op


def run(sql: str) -> None:
    """Execute `sql`, which may hold several statements."""
    op.get_bind().connection.cursor().execute(sql)
