"""The shop that a command works on: what is logged meanwhile stands apart from what the command prints."""

from pathlib import Path

import click
import structlog
from click.testing import CliRunner

from lingdang.cli.opening import opened


@click.command()
@click.pass_context
def tells(ctx: click.Context) -> None:
    with opened(ctx) as deployment:
        structlog.get_logger().warning("something_happened")
        click.echo(deployment.buckets)


def test_logs_go_to_standard_error_and_elsewhere_afterwards(database_url: str, tmp_path: Path) -> None:
    environ = {"LINGDANG_DATABASE_URL": database_url, "LINGDANG_DATA_DIR": str(tmp_path / "data")}
    structlog.reset_defaults()  # whatever ran before in this process
    done = CliRunner().invoke(tells, env=environ)
    assert (done.exit_code, done.stdout) == (0, "1\n"), done.output
    assert "something_happened" in done.stderr
    assert not structlog.is_configured()


def test_a_process_that_has_sent_its_logs_elsewhere_keeps_them_there(database_url: str, tmp_path: Path) -> None:
    environ = {"LINGDANG_DATABASE_URL": database_url, "LINGDANG_DATA_DIR": str(tmp_path / "data")}
    kept = tmp_path / "log"
    with kept.open("w") as file:
        structlog.configure(logger_factory=structlog.PrintLoggerFactory(file))
        try:
            done = CliRunner().invoke(tells, env=environ)
            assert structlog.is_configured()
        finally:
            structlog.reset_defaults()
    assert (done.exit_code, done.stdout, done.stderr) == (0, "1\n", "")
    assert "something_happened" in kept.read_text()
