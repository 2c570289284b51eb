"""The `lingdang` command. Each sub-command is imported when it is run, so that `lingdang --help` is quick."""

import io
import json
import sys
from importlib import import_module
from typing import Any, Final

import click

from lingdang import __version__

_COMMANDS: Final = {
    "serve": "Serve the shop over HTTPS.",
    "worker": "Run the background tasks apart from the server.",
    "migrate": "Bring a database of your own to this version's tables.",
    "catalog": "Import products.",
    "customer": "Add customers who sign in with a password; tell, erase or rename one.",
    "move-in": "Bring customers, bells and rights of before into the shop, and undo that.",
    "move-out": "Write customers, bells and rights to files that move-in reads.",
    "oidc": "Check the tokens of your identity provider.",
    "apikey": "Make keys for the operators' API.",
    "wallet": "Credit bells to a customer.",
    "topup": "Keep packages of bells for real money; see, decide and refund top-ups; make gift codes.",
    "coupons": "Make one-time codes of vouchers.",
    "reconcile": "Check that every bell is accounted for.",
    "journal": "Seal the journal now, show its newest checkpoint.",
    "events": "Print what happens in the shop, or forward it to a server that you write.",
    "epoch": "Tell readers of events what a restore has lost.",
    "statement": "Signed statements of account.",
    "keys": "Rotate and retire the master secrets.",
}
"""Each sub-command with its line in the list. It is defined in the module of its name beside this one; a new one is
added here."""


class _Lazy(click.Group):
    """A group that knows its commands by name and imports one only to run it."""

    def list_commands(self, _ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, _ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return None
        name = cmd_name.replace("-", "_")
        command: click.Command = getattr(import_module(f"lingdang.cli.{name}"), name)
        _add_data_dir(command)
        return command

    def format_commands(self, _ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(_COMMANDS.items()))

    def invoke(self, ctx: click.Context) -> Any:
        as_json = "--json" in ctx.args
        try:
            return self._explained(ctx)
        except (click.exceptions.Exit, click.Abort):
            raise
        except Exception as error:
            if as_json:  # whoever reads the output as JSON is told in JSON, besides the text on standard error
                said = error.format_message() if isinstance(error, click.ClickException) else repr(error)
                click.echo(json.dumps({"error": said}))
            raise

    def _explained(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except click.ClickException:
            raise
        except Exception as error:
            from lingdang.cli.explaining import explanation

            message = explanation(error)
            if message is None:
                raise
            raise click.ClickException(message) from None


def _add_data_dir(command: click.Command) -> None:
    """Give `--data-dir` to a command, or to every command of a group."""
    if isinstance(command, click.Group):
        for member in command.commands.values():
            _add_data_dir(member)
    elif not any(option.name == "data_dir" for option in command.params):
        command.params.append(
            click.Option(
                ["--data-dir"],
                metavar="DIR",
                help="Where keys, certificates and the embedded database live. [default: .lingdang]",
                expose_value=False,
                callback=_remember,
            )
        )


def _remember(ctx: click.Context, _option: click.Parameter, value: str | None) -> None:
    ctx.find_root().obj["data_dir"] = value


@click.group(cls=_Lazy, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="lingdang")
@click.pass_context
def main(ctx: click.Context) -> None:
    """Lingdang: secure checkout and a virtual-currency wallet for digital goods.

    Settings are environment variables LINGDANG_* or a TOML file named by LINGDANG_CONFIG.
    """
    ctx.obj = {}
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # a terminal that lacks a letter costs no report
