"""`lingdang migrate`."""

import json

import click

from lingdang.cli.database import embedded_server, prepare_data_dir, running, settings_of
from lingdang.db.external import check_version
from lingdang.db.migrate import migrate as run_migrations


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print the revisions as JSON.")
@click.pass_context
def migrate(ctx: click.Context, as_json: bool) -> None:
    """Bring the database to this version's tables, in one transaction.

    The embedded database is migrated by every start; this is for one of your own (LINGDANG_DATABASE_URL).
    """
    settings = settings_of(ctx)
    if settings.database_url is None:
        prepare_data_dir(settings)
        with running(embedded_server(settings)) as url:
            before, after = run_migrations(url, settings.buckets)
    else:
        check_version(settings.database_url)
        before, after = run_migrations(settings.database_url, settings.buckets)
    if as_json:
        click.echo(json.dumps({"before": before, "after": after}))
    elif before == after:
        click.echo(f"The database is at revision {after} already.")
    else:
        click.echo(f"The database went from revision {before or 'none'} to {after}.")
