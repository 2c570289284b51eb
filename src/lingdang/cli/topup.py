"""`lingdang topup`: packages, and what has become of top-ups."""

from datetime import UTC, date, datetime
from uuid import UUID

import click

from lingdang.cli.arguments import CUST_ID, OWN_ID, IdType
from lingdang.cli.printing import as_json_option, print_all, print_one
from lingdang.cli.topup_codes import codes
from lingdang.cli.topup_decisions import decide, refund
from lingdang.cli.topup_inbox import inbox
from lingdang.cli.topup_lines import detail_lines, topup_line
from lingdang.cli.topup_opening import found_topup, require_account, run_on_topups
from lingdang.cli.topup_packages import package
from lingdang.errors import CommandError, Problem
from lingdang.identity.customers import known_customer
from lingdang.ids import RULES
from lingdang.paging import Window
from lingdang.topup.comparing import Compared
from lingdang.topup.days import newest_day
from lingdang.topup.looking_up import SUPPORT_PATTERN
from lingdang.topup.operators import TopupDetail, TopupOfCustomer
from lingdang.topup.parts import Topups
from lingdang.topup.providers.provider import Refused, Unavailable
from lingdang.topup.status import STATUSES, Status

_SUPPORT = IdType(SUPPORT_PATTERN, RULES[SUPPORT_PATTERN])
_PAGE = 200


@click.group()
def topup() -> None:
    """Bells for real money: what is sold, and what has become of it."""


for _command in (package, codes, inbox, decide, refund):
    topup.add_command(_command)


@topup.command("list")
@click.option("--status", type=click.Choice(STATUSES), help="Only those in this state.")
@click.option("--customer", "cust_id", metavar="CUSTID", type=CUST_ID, help="Only this customer's.")
@click.option("--most", type=click.IntRange(1, _PAGE), default=50, show_default=True)
@as_json_option
@click.pass_context
def list_topups(ctx: click.Context, status: Status | None, cust_id: str | None, most: int, as_json: bool) -> None:
    """Show the newest top-ups."""

    async def read(topups: Topups) -> list[TopupOfCustomer]:
        customer = None if cust_id is None else await _key_of(topups, cust_id)
        return (await topups.desk().listed(status, customer, Window(most, None))).items

    print_all(run_on_topups(ctx, read), as_json, topup_line)


@topup.command("find")
@click.option("--support", "support_reference", metavar="36EB-C594-E123", type=_SUPPORT, help="What its customer has.")
@click.option("--reference", metavar="ID", help="The payment's id at its provider.")
@as_json_option
@click.pass_context
def find(ctx: click.Context, support_reference: str | None, reference: str | None, as_json: bool) -> None:
    """Find a top-up by its customer's support reference, by its payment's id, or by both."""
    if support_reference is None and reference is None:
        raise click.UsageError("give --support or --reference")

    async def read(topups: Topups) -> list[TopupOfCustomer]:
        return await topups.desk().looked_up(support_reference=support_reference, reference=reference)

    print_all(run_on_topups(ctx, read), as_json, topup_line)


@topup.command("show")
@click.argument("topup_id", metavar="TOPUPID", type=click.UUID)
@as_json_option
@click.pass_context
def show(ctx: click.Context, topup_id: UUID, as_json: bool) -> None:
    """Show all that is known of a top-up: whose it is, its money and bells, its refunds, what its provider told."""
    print_one(run_on_topups(ctx, lambda topups: _shown(topups, topup_id)), as_json, detail_lines)


@topup.command("ask")
@click.argument("topup_id", metavar="TOPUPID", type=click.UUID)
@as_json_option
@click.pass_context
def ask(ctx: click.Context, topup_id: UUID, as_json: bool) -> None:
    """Ask the provider now how a top-up stands, and do what follows."""

    async def asked(topups: Topups) -> TopupDetail:
        row = await found_topup(topups, topup_id)
        require_account(topups, row.account)
        try:
            await topups.asking.ask_at_once(row)
        except (Unavailable, Refused) as error:
            raise CommandError(f"{row.account} did not answer: {error or 'it cannot be reached'}") from None
        return await _shown(topups, topup_id)

    print_one(run_on_topups(ctx, asked), as_json, detail_lines)


@topup.command("compare")
@click.argument("account", metavar="ACCOUNT", type=OWN_ID)
@click.argument("day", metavar="YYYY-MM-DD", type=click.DateTime(["%Y-%m-%d"]))
@as_json_option
@click.pass_context
def compare(ctx: click.Context, account: str, day: datetime, as_json: bool) -> None:
    """Compare the provider's list of a day with what was credited, and do what follows. It is done daily by itself."""

    async def compared(topups: Topups) -> Compared:
        require_account(topups, account)
        _require_over(topups, account, day.date())
        try:
            return await topups.comparing.compare(account, day.date())
        except (Unavailable, Refused) as error:
            raise CommandError(f"{account} has no list of {day.date()} now: {error}") from None

    print_one(run_on_topups(ctx, compared), as_json, lambda done: f"{done.listed} listed, {done.differing} differed")


def _require_over(topups: Topups, account: str, day: date) -> None:
    """Raises CommandError for a day whose list is not there yet."""
    newest = newest_day(topups.accounts[account].provider.listing, datetime.now(UTC))
    if day > newest:
        raise CommandError(f"the list of {day} is not there yet; the newest one of {account} is of {newest}")


async def _key_of(topups: Topups, cust_id: str) -> int:
    try:
        return (await known_customer(topups.pool, cust_id)).key
    except Problem as problem:
        if problem.code != "not_found":
            raise
        raise CommandError(f"there is no customer {cust_id}") from None


async def _shown(topups: Topups, topup_id: UUID) -> TopupDetail:
    await found_topup(topups, topup_id)
    return await topups.desk().shown(topup_id)
