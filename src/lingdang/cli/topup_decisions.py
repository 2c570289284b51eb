"""`lingdang topup decide` and `refund`: what an operator does about a top-up's money."""

from uuid import UUID

import click

from lingdang.cli.arguments import OWN_ID
from lingdang.cli.printing import as_json_option, print_one
from lingdang.cli.topup_lines import detail_lines, refund_line
from lingdang.cli.topup_opening import found_topup, require_account, run_on_topups
from lingdang.ids import MAX_AMOUNT
from lingdang.topup.operators import Decision, RefundOfMoney, TopupDetail
from lingdang.topup.parts import Topups


@click.command()
@click.argument("topup_id", metavar="TOPUPID", type=click.UUID)
@click.argument("decision", type=click.Choice(["accept", "return"]))
@as_json_option
@click.pass_context
def decide(ctx: click.Context, topup_id: UUID, decision: Decision, as_json: bool) -> None:
    """Decide about a top-up in review.

    `accept` credits the bells that were agreed, `return` gives the money back. The same decision again changes nothing.
    Exit code 1: the provider refused to give the money back, and the review is undecided again.
    """

    async def decided(topups: Topups) -> TopupDetail:
        row = await found_topup(topups, topup_id)
        if decision == "return" and row.received:
            require_account(topups, row.account)
        return await topups.desk().decide(topup_id, decision)

    done = run_on_topups(ctx, decided)
    print_one(done, as_json, detail_lines)
    if done.decided is None:
        ctx.exit(1)


@click.command()
@click.argument("topup_id", metavar="TOPUPID", type=click.UUID)
@click.option("--id", "refund_id", metavar="REFUNDID", type=OWN_ID, required=True, help="Yours; each is done once.")
@click.option(
    "--amount",
    type=click.IntRange(1, MAX_AMOUNT),
    help="In whole minor units: 300 is 3.00 yuan. Without it: the price of the bells that are left.",
)
@as_json_option
@click.pass_context
def refund(ctx: click.Context, topup_id: UUID, refund_id: str, amount: int | None, as_json: bool) -> None:
    """Give a top-up's money back: first its bells are taken, then the provider pays.

    While the provider has not answered, or a bank is still at it, it is `pending`, and the server asks again. Exit
    code 1: the provider refused it, and the bells are back.
    """

    async def given_back(topups: Topups) -> RefundOfMoney:
        require_account(topups, (await found_topup(topups, topup_id)).account)
        return await topups.desk().give_back(topup_id, refund_id, amount)

    done = run_on_topups(ctx, given_back)
    print_one(done, as_json, refund_line)
    if done.status == "refused":
        ctx.exit(1)
