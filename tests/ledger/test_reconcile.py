"""Reconciliation finds every kind of tampering, and nothing in clean books."""

from datetime import timedelta

import msgspec
import psycopg
import pytest

from lingdang.clock import system_clock
from lingdang.ledger import reconcile as books
from lingdang.ledger.lines import UsedVoucher
from lingdang.ledger.reconcile import CHECKS, SHARED_CHECKS, Report, reconcile
from lingdang.ledger.redeeming import Redeem
from lingdang.ledger.refunding import Refund
from support.customers import key_of
from support.ledger import take_back, topup
from support.money import credit, line, open_settlement, pay

ANN, BOB, CARL, DAN, EVE = (key_of(name) for name in ("ann", "bob", "carl", "dan", "eve"))


def compare(database_url: str) -> Report:
    with psycopg.connect(database_url, autocommit=True) as connection:
        return reconcile(connection)


async def fill(database_url: str) -> None:
    """Two customers with bells of two currencies, and an order of two books that a voucher made cheaper; one who had a
    refund; and one who owes 40 bells of a top-up that was disputed, and then taken back after some of it was spent.
    """
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(
            "INSERT INTO product (product_id, title, currency, price, list_price, created_at, updated_at)"
            " SELECT 'book-' || i, 'T', 'BELL', 100, 100, now(), now() FROM generate_series(1, 2) i"
        )
        connection.execute(
            "INSERT INTO coupon (coupon_id, definition, status, per_customer, claimed, created_at, updated_at)"
            " VALUES ('ten', '{}', 'active', 2, 3, now(), now())"
        )
        vouchers = connection.execute(
            "INSERT INTO voucher (bucket, customer, voucher_id, coupon_id, claimed_at, expires_at)"
            " SELECT 0, unnest(%s::bigint[]), gen_random_uuid(), 'ten', now(), now() + interval '1 day'"
            " RETURNING voucher_id",
            ([ANN, BOB, ANN],),
        ).fetchall()
    async with open_settlement(database_url) as settlement:
        for name, (voucher_id,) in zip(("ann", "bob"), vouchers, strict=False):
            await settlement.submit(credit(name, 300, credit_id="first"))
            await settlement.submit(msgspec.structs.replace(credit(name, 7), currency="GEM"))
            soon = system_clock() + timedelta(days=1)
            await settlement.submit(credit(name, 50, kind="bonus", expires_at=soon, credit_id="second"))
            order = pay(name, line("book-1", 100), line("book-2", 60, 10, publisher=None))
            used = (UsedVoucher(str(voucher_id), 10),)
            await settlement.submit(msgspec.structs.replace(order, vouchers=used))
        await settlement.submit(credit("dan", 300))
        order = pay("dan", line("book-1"), line("book-2", 60))
        await settlement.submit(order)
        books_of_order = tuple(each.product_id for each in order.lines)
        await settlement.submit(
            Refund(
                customer=DAN,
                order_id=order.order_id,
                refund_id="back",
                by="operator",
                ordered=books_of_order,
                product_ids=("book-2",),
                reason="goodwill",
            )
        )
        await settlement.submit(topup(1, 100, 10, customer=EVE))
        await settlement.submit(pay("eve", line("book-1", 60)))
        for told in (take_back(1, 10, 30, customer=EVE), take_back(1, 100, customer=EVE)):
            await settlement.submit(told)
        await settlement.submit(credit("eve", 20))
        gift = Redeem(customer=BOB, gift_id=GIFT, campaign="may", currency="BELL", amount=5, expires_at=None)
        await settlement.submit(gift)
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(
            "INSERT INTO topup (customer, topup_id, bucket, package_id, name, account, channel, currency, paid, bonus,"
            "                   price, price_currency, reference, received, refunded, status, created_at, expires_at,"
            "                   credited_at)"
            " SELECT customer, (detail->>'topupId')::uuid, bucket, 'six', 'Six', 'sandbox', 'web', currency, 100, 10,"
            "        100, 'CNY', 'sandbox_1', 100, 100, 'refunded', at, at, at FROM transfer WHERE kind = 'topup'"
        )
        connection.execute(
            "INSERT INTO gift_code (code_hash, campaign, currency, amount, customer, claimed_at, redeemed_at)"
            " VALUES (decode(%s, 'hex'), 'may', 'BELL', 5, %s, now(), now())",
            (GIFT, BOB),
        )


GIFT = "ab" * 32
AN_HOUR_AGO = (
    f"UPDATE transfer SET at = at - interval '1 hour' WHERE customer = {EVE};"
    f"UPDATE wallet SET moved_at = moved_at - interval '1 hour' WHERE customer = {EVE};"
)
LONG_AGO = AN_HOUR_AGO + "UPDATE topup SET credited_at = credited_at - interval '1 hour';"
UNTOLD = AN_HOUR_AGO + "UPDATE topup SET credited_at = NULL;"
"""A top-up that does not know of its bells."""


@pytest.mark.parametrize("known_by", ["topup_id", "reference"])
async def test_bells_that_their_top_up_does_not_know_of_are_no_difference_while_its_entry_waits(
    database_url: str, known_by: str
) -> None:
    await fill(database_url)
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(UNTOLD.encode())
        connection.execute(
            "INSERT INTO topup_waiting (account, entry, told, since, due_at)"
            f" SELECT account, 'told', json_build_object('standing', json_build_object('{known_by}', {known_by})),"
            " now(), now() FROM topup".encode()
        )
        assert compare(database_url).differences == []
        connection.execute("UPDATE topup_waiting SET told = '{}'")
        [difference] = compare(database_url).differences
    assert difference.detail.endswith(" does not know of its bells")


@pytest.mark.parametrize(
    "under_way",
    [
        "INSERT INTO topup_refund (customer, topup_id, refund_id, bucket, amount, base, asked_at, due_at)"
        " SELECT customer, topup_id, 'r-1', bucket, 100, 0, now(), now() FROM topup",
        "INSERT INTO topup_waiting (account, entry, told, since, due_at)"
        " SELECT account, 'told', json_build_object('standing', json_build_object('reference', reference)),"
        " now(), now() FROM topup",
    ],
)
async def test_bells_that_move_before_their_top_up_are_no_difference_meanwhile(
    database_url: str, under_way: str
) -> None:
    await fill(database_url)
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute((LONG_AGO + "UPDATE topup SET refunded = 0").encode())
        connection.execute(under_way.encode())
        assert compare(database_url).differences == []
        connection.execute("UPDATE topup_refund SET due_at = NULL; UPDATE topup_waiting SET told = '{}'")
        [difference] = compare(database_url).differences
    assert difference.detail.endswith(" taken 110 refunded 0")


async def test_clean_books(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    await fill(database_url)
    report = compare(database_url)
    assert report.differences == []
    assert (report.customers, report.orders, report.transfers) == (4, 4, 18)
    monkeypatch.setattr(books, "CHUNK", 1)
    assert compare(database_url) == report, "a customer at a time"


async def test_an_empty_shop_is_clean(database_url: str) -> None:
    assert compare(database_url) == Report(0, 0, 0, [])


# Each kind of tampering, with the checks that must see it. Constraints that would stop it are dropped first.
TAMPERING = {
    "a balance raised": (
        f"UPDATE wallet SET balance = balance + 1 WHERE customer = {ANN}",
        {"balance_is_its_entries", "balance_is_its_lots"},
    ),
    "a balance and its lot raised": (
        f"UPDATE wallet SET balance = balance + 1, remaining[1] = remaining[1] + 1 WHERE customer = {ANN}",
        {"balance_is_its_entries", "lots_are_their_entries"},
    ),
    "bonus made paid": (
        f"UPDATE wallet SET lots[1] = 'bonus' WHERE customer = {ANN}",
        {"lots_are_their_entries"},
    ),
    "bells moved to another currency": (
        f"UPDATE transfer SET currency = 'GEM' WHERE customer = {ANN} AND seq = 3",
        {"running_balance", "balance_is_its_entries", "lots_are_their_entries"},
    ),
    "a wallet's count raised": (
        f"UPDATE wallet SET seq = seq + 1 WHERE customer = {ANN} AND currency = 'BELL'",
        {"balance_is_its_entries"},
    ),
    "a wallet's time set back": (
        f"UPDATE wallet SET moved_at = moved_at - interval '1 second' WHERE customer = {ANN} AND currency = 'GEM'",
        {"balance_is_its_entries"},
    ),
    "a transfer removed": (
        f"DELETE FROM transfer WHERE customer = {ANN} AND seq = 3",
        {"running_balance", "balance_is_its_entries", "lots_are_their_entries", "journal_has_one_order"},
    ),
    "a transfer's time set back": (
        f"UPDATE transfer SET at = at - interval '1 day' WHERE customer = {ANN} AND seq = 3",
        {"journal_has_one_order"},
    ),
    "a transfer's position put behind the next one's": (
        f"UPDATE transfer SET position = position + 1000000 WHERE customer = {ANN} AND seq = 1",
        {"journal_has_one_order"},
    ),
    "a gap in the count": (
        f"UPDATE transfer SET seq = 5 WHERE customer = {ANN} AND seq = 4",
        {"journal_has_one_order", "balance_is_its_entries", "right_is_its_journal"},
    ),
    "a leg changed": (
        f"UPDATE transfer SET amounts[1] = amounts[1] - 5 WHERE customer = {ANN} AND kind = 'payment'",
        {"transfer_sums_to_zero", "transfer_amount_is_its_wallet_legs", "lots_are_their_entries"},
    ),
    "an order removed": (
        f"DELETE FROM transfer WHERE customer = {ANN} AND kind = 'payment'",
        {"balance_is_its_entries", "lots_are_their_entries", "right_is_its_journal", "order_has_its_vouchers"},
    ),
    "an order's line made cheaper": (
        f"UPDATE transfer SET detail = jsonb_set(detail::jsonb, '{{0,0,4}}', '99')"
        f" WHERE customer = {ANN} AND kind = 'payment'",
        {"order_adds_up"},
    ),
    "another book put into an order": (
        f"UPDATE transfer SET detail = jsonb_set(detail::jsonb, '{{0,0,0}}', '\"book-9\"')"
        f" WHERE customer = {ANN} AND kind = 'payment'",
        {"right_is_its_journal"},
    ),
    "a right removed": (
        f"DELETE FROM entitlement WHERE customer = {ANN} AND product_id = 'book-1'",
        {"right_is_its_journal"},
    ),
    "a right slipped in": (
        f"INSERT INTO entitlement (customer, granted_by, bucket, product_id) VALUES ({CARL}, 1, 0, 'book-1')",
        {"right_is_its_journal"},
    ),
    "a right by another row": (
        f"UPDATE entitlement SET granted_by = 1 WHERE customer = {ANN} AND product_id = 'book-1'",
        {"right_is_its_journal"},
    ),
    "a book granted twice": (
        "WITH again AS (INSERT INTO transfer (amount, balance, at, position, customer, seq, bucket, currency, kind,"
        "                                     amounts, accounts, cause, detail)"
        "               SELECT 0, balance, at, position, customer, 5, bucket, currency, kind, '{}', '[]',"
        '                      gen_random_uuid(), \'[[["book-1", "T", null, 0, 0, 0]], []]\''
        f"                FROM transfer WHERE customer = {ANN} AND seq = 4),"
        f" granted AS (UPDATE entitlement SET granted_by = 5 WHERE customer = {ANN} AND product_id = 'book-1')"
        f" UPDATE wallet SET seq = 5 WHERE customer = {ANN} AND currency = 'BELL'",
        {"right_is_granted_once"},
    ),
    "a wallet slipped in": (
        "INSERT INTO wallet (bucket, customer, currency, balance, moved_at, seq, lots, remaining)"
        f" VALUES (0, {ANN}, 'ZEN', 5, now(), 1, '{{paid}}', '{{5}}')",
        {"balance_is_its_entries", "lots_are_their_entries"},
    ),
    "a wallet of nobody": (
        "INSERT INTO wallet (bucket, customer, currency, balance, moved_at, seq, lots, remaining)"
        f" VALUES (0, {CARL}, 'BELL', 5, now(), 1, '{{paid}}', '{{5}}')",
        {"customer_is_known", "balance_is_its_entries", "lots_are_their_entries"},
    ),
    "a customer forgotten": (f"DELETE FROM customer WHERE customer = {BOB}", {"customer_is_known"}),
    "a wallet removed": (
        f"DELETE FROM wallet WHERE customer = {BOB}",
        {"balance_is_its_entries", "lots_are_their_entries"},
    ),
    "a voucher used by nobody": (
        "UPDATE voucher SET used_by = gen_random_uuid(), used_at = now(), saved = 5 WHERE used_by IS NULL",
        {"order_has_its_vouchers"},
    ),
    "a voucher given back": (
        f"UPDATE voucher SET used_by = NULL, used_at = NULL, saved = NULL WHERE customer = {BOB}",
        {"order_has_its_vouchers"},
    ),
    "a voucher named by an order that did not use it": (
        "UPDATE transfer SET detail = jsonb_set(detail::jsonb, '{1,0,0}', to_jsonb(gen_random_uuid()))"
        f" WHERE customer = {ANN} AND kind = 'payment'",
        {"order_has_its_vouchers"},
    ),
    "a voucher that saved something else": (
        "WITH o AS (UPDATE transfer SET detail = jsonb_set(detail::jsonb, '{1,0,1}', '1')"
        f" WHERE customer = {ANN} AND kind = 'payment' RETURNING cause)"
        " UPDATE voucher SET saved = 1 FROM o WHERE used_by = o.cause",
        {"discount_is_its_vouchers"},
    ),
    "a voucher slipped in": (
        f"INSERT INTO voucher VALUES (0, {BOB}, gen_random_uuid(), 'ten', now(), now())",
        {"claimed_is_its_vouchers"},
    ),
    "a code without its voucher": (
        f"INSERT INTO coupon_code VALUES (sha256('x'), 'ten', {BOB}, gen_random_uuid())",
        {"code_has_its_voucher"},
    ),
    "a credit that says it is another": (
        "UPDATE transfer SET detail = jsonb_set(detail::jsonb, '{creditId}', '\"third\"')"
        f" WHERE customer = {ANN} AND detail->>'creditId' = 'first'",
        {"cause_is_what_it_names"},
    ),
    "a refund of another amount": (
        "UPDATE transfer SET detail = jsonb_set(detail::jsonb, '{lines,0,1}', '61') WHERE kind = 'refund'",
        {"refunds_are_of_their_orders"},
    ),
    "a refund of another's order": (
        f"UPDATE transfer SET detail = jsonb_set(detail::jsonb, '{{orderId}}', (SELECT to_jsonb(cause) FROM transfer"
        f" WHERE customer = {ANN} AND kind = 'payment')) WHERE kind = 'refund'",
        {"refunds_are_of_their_orders"},
    ),
    "a line refunded twice": (
        "WITH again AS (INSERT INTO transfer (amount, balance, at, position, customer, seq, bucket, currency, kind,"
        "                                     amounts, accounts, cause, detail)"
        "               SELECT 0, balance, at, position, customer, 4, bucket, currency, kind, '{}', '[]',"
        "                      gen_random_uuid(), detail FROM transfer WHERE kind = 'refund')"
        f" UPDATE wallet SET seq = 4 WHERE customer = {DAN}",
        {"line_is_refunded_once", "right_is_granted_once", "cause_is_what_it_names"},
    ),
    "a right that a refund ended": (
        f"INSERT INTO entitlement (customer, granted_by, bucket, product_id) VALUES ({DAN}, 2, 0, 'book-2')",
        {"right_is_its_journal"},
    ),
    "a credit given to another": (
        f"UPDATE transfer SET cause = (SELECT cause FROM transfer WHERE customer = {BOB} AND seq = 1)"
        f" WHERE customer = {ANN} AND seq = 1",
        {"cause_is_what_it_names"},
    ),
    "a debt that is forgiven": (f"UPDATE wallet SET debt = 0 WHERE customer = {EVE}", {"debt_is_its_entries"}),
    "a credit that pays no debt": (
        "UPDATE transfer SET amount = 20, balance = 20, amounts = '{-20,20,0}'"
        f" WHERE customer = {EVE} AND kind = 'credit';"
        f"UPDATE wallet SET balance = 20, lots = '{{paid}}', remaining = '{{20}}' WHERE customer = {EVE}",
        {"debt_is_its_entries", "debt_is_paid_by_what_comes"},
    ),
    "a top-up of more bells than came": (
        "UPDATE transfer SET detail = jsonb_set(detail::jsonb, '{paid}', '101') WHERE kind = 'topup'",
        {"topup_adds_up", "topup_has_its_bells"},
    ),
    "a gift of no code": ("DELETE FROM gift_code", {"gift_has_its_code"}),
    "a gift of more than its code is worth": ("UPDATE gift_code SET amount = 4", {"gift_has_its_code"}),
    "a gift of another's code": (
        f"UPDATE gift_code SET customer = {ANN}",
        {"gift_has_its_code", "code_has_its_gift"},
    ),
    "a code that brought no bells": (
        "INSERT INTO gift_code (code_hash, campaign, currency, amount, customer, claimed_at, redeemed_at)"
        f" VALUES (sha256('y'), 'may', 'BELL', 5, {ANN}, now(), now())",
        {"code_has_its_gift"},
    ),
    "a top-up without its bells": ("UPDATE topup SET topup_id = gen_random_uuid()", {"topup_has_its_bells"}),
    "a top-up of other bells": ("UPDATE topup SET bonus = 11", {"topup_has_its_bells"}),
    "bells that their top-up does not know of": (UNTOLD, {"topup_has_its_bells"}),
    "bells of no top-up": (AN_HOUR_AGO + "DELETE FROM topup", {"topup_has_its_bells"}),
    "bells that stay away though the refund failed": (
        LONG_AGO + "UPDATE topup SET refunded = 0",
        {"taken_back_is_its_money"},
    ),
    "bells that stay though their money went back": (
        LONG_AGO + "UPDATE topup SET refunded = 10, lost = 80",
        {"taken_back_is_its_money"},
    ),
    "a top-up that came into other lots": (
        "UPDATE transfer SET detail = jsonb_set(detail::jsonb, '{lots,0,1}', '101') WHERE kind = 'topup'",
        {"topup_adds_up"},
    ),
    "more taken back than there was": (
        "UPDATE transfer SET detail = jsonb_set(detail::jsonb, '{of,0,1}', '101') WHERE kind = 'takeback' AND seq = 5",
        {"topup_is_taken_back_at_most_whole", "taken_back_is_its_legs"},
    ),
    "frozen bells that are taken back twice": (
        "UPDATE transfer SET detail = jsonb_set(detail::jsonb, '{thawed,0,1}', '34')"
        " WHERE kind = 'takeback' AND seq = 5",
        {"topup_is_taken_back_at_most_whole", "taken_back_is_its_legs"},
    ),
    "bells that are frozen and are not": (
        "UPDATE transfer SET detail = jsonb_set(detail::jsonb, '{of,0,1}', '32') WHERE kind = 'freeze'",
        {"topup_is_taken_back_at_most_whole", "taken_back_is_its_legs"},
    ),
    "a take-back that was left out": (
        "UPDATE transfer SET detail = jsonb_set(detail::jsonb, '{number}', '4') WHERE kind = 'takeback' AND seq = 5",
        {"topup_is_taken_back_at_most_whole", "cause_is_what_it_names"},
    ),
    "a take-back of no top-up": (
        "UPDATE transfer SET kind = 'gift', detail = '{\"giftId\": \"1\"}' WHERE kind = 'topup'",
        {
            "topup_is_taken_back_at_most_whole",
            "cause_is_what_it_names",
            "topup_has_its_bells",
            "gift_has_its_code",
        },
    ),
}


@pytest.mark.parametrize("name", TAMPERING)
async def test_tampering_is_found(database_url: str, name: str) -> None:
    await fill(database_url)
    statement, expected = TAMPERING[name]
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("ALTER TABLE wallet DROP CONSTRAINT wallet_is_its_lots")
        connection.execute("ALTER TABLE transfer DROP CONSTRAINT transfer_sums_to_zero")
        connection.execute("DROP INDEX transfer_cause")
        connection.execute(statement.encode())
    assert {difference.check for difference in compare(database_url).differences} == expected


def test_every_check_is_seen_failing() -> None:
    assert {check.name for check in (*CHECKS, *SHARED_CHECKS)} == set().union(
        *(checks for _, checks in TAMPERING.values())
    )


async def test_the_database_itself_refuses_what_cannot_be(database_url: str) -> None:
    await fill(database_url)
    cause = f"(SELECT cause FROM transfer WHERE customer = {BOB} AND seq = 1)"
    for statement, refusal in (
        ("UPDATE wallet SET balance = balance + 1", psycopg.errors.CheckViolation),
        ("UPDATE wallet SET balance = -1, remaining = '{-1}', lots = '{paid}'", psycopg.errors.CheckViolation),
        ("UPDATE transfer SET amounts[1] = amounts[1] + 1", psycopg.errors.CheckViolation),
        ("UPDATE transfer SET accounts = '[]' WHERE kind = 'payment'", psycopg.errors.CheckViolation),
        ("UPDATE transfer SET detail = NULL WHERE kind = 'payment'", psycopg.errors.NotNullViolation),
        (f"UPDATE transfer SET cause = {cause} WHERE customer = {ANN}", psycopg.errors.UniqueViolation),
        ("UPDATE transfer SET seq = 1 WHERE currency = 'GEM'", psycopg.errors.UniqueViolation),
        ("INSERT INTO entitlement SELECT * FROM entitlement", psycopg.errors.UniqueViolation),
    ):
        with psycopg.connect(database_url, autocommit=True) as connection, pytest.raises(refusal):
            connection.execute(statement.encode())
    assert compare(database_url).differences == []


async def test_a_customer_who_is_not_known_is_told_by_the_key(database_url: str) -> None:
    await fill(database_url)
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("DELETE FROM customer WHERE customer_id = 'bob'")
        connection.execute("UPDATE wallet SET seq = seq + 1 WHERE currency = 'GEM'")
    told = {(found.check, found.cust_id) for found in compare(database_url).differences}
    assert told == {
        ("customer_is_known", str(BOB)),
        ("balance_is_its_entries", str(BOB)),
        ("balance_is_its_entries", "ann"),
    }
