"""A code is one customer's, its bells are credited once, and what was claimed and not credited is not forgotten."""

from datetime import datetime, timedelta

import pytest

from lingdang.coupons.claiming import code_hash
from lingdang.db.pool import transaction
from lingdang.errors import Problem
from lingdang.topup.gift_codes import Gift, add_codes, new_codes, read_code
from support.customers import key_of
from support.money import credit
from support.till import Till


async def code(till: Till, expires_at: datetime | None = None, amount: int = 100) -> str:
    async with transaction(till.topups.pool) as connection:
        gift = Gift(campaign="spring", currency="BELL", amount=amount, expires_at=expires_at)
        [made] = await add_codes(connection, gift, 1)
    return made


async def redeem(till: Till, cust_id: str, text: str) -> tuple[int, bool]:
    """The balance after it, and whether it had been done before."""
    done, replayed = await till.topups.redeeming.redeem(key_of(cust_id), text)
    return done.balance, replayed


async def why_not(till: Till, cust_id: str, text: str) -> str:
    with pytest.raises(Problem) as refused:
        await redeem(till, cust_id, text)
    assert refused.value.code == "gift_code_unusable"
    assert list(refused.value.members["reasons"]) == [text]
    return str(refused.value.members["reasons"][text]["code"])


async def test_a_code_is_credited_once_and_only_its_customer_is_told_so_again(till: Till) -> None:
    text = await code(till)
    assert await redeem(till, "ann", text) == (100, False)
    assert await redeem(till, "ann", text.lower()) == (100, True)
    assert await why_not(till, "bob", text) == "code_used"
    assert till.bells() == [("gift", 100, 100)]


async def test_what_is_no_code_of_the_shop_is_told_apart_from_a_slip(till: Till) -> None:
    [unknown] = new_codes(1)
    assert await why_not(till, "ann", unknown) == "unknown_code"
    slip = unknown[:-1] + ("A" if unknown[-1] != "A" else "B")
    assert await why_not(till, "ann", slip) == "mistyped"


async def test_a_code_ends_at_its_end_but_not_for_whoever_had_claimed_it(till: Till) -> None:
    end = till.hands() + timedelta(hours=1)
    claimed, late = await code(till, end), await code(till, end)
    assert await redeem(till, "ann", claimed) == (100, False)
    till.hands.forward(3601)
    assert await why_not(till, "ann", late) == "expired"
    assert (await redeem(till, "ann", claimed))[1]


async def test_what_was_claimed_before_a_crash_is_credited_by_the_healer(till: Till) -> None:
    text = await code(till)
    read = read_code(text)
    assert read is not None
    await till.topups.settlement.submit(credit("ann", 1))
    claimed = f"customer = {key_of('ann')}, claimed_at = now(), due_at = now() + interval '1 minute'"
    till.sql(f"UPDATE gift_code SET {claimed} WHERE code_hash = '\\x{code_hash(read).hex()}'")
    assert not await till.topups.redeeming.run()
    assert till.bells() == [("credit", 1, 1)], "whoever claimed it is at it"
    till.hands.forward(61)
    for _ in range(2):
        await till.topups.redeeming.run()
    assert till.bells() == [("credit", 1, 1), ("gift", 100, 101)]
    assert till.sql("SELECT 1 FROM gift_code WHERE redeemed_at IS NULL") == []


async def test_a_wallet_that_is_full_keeps_its_code_until_there_is_room(till: Till) -> None:
    most = 10**15
    await till.topups.settlement.submit(credit("ann", most))
    text = await code(till)
    with pytest.raises(Problem, match="wallet_full"):
        await redeem(till, "ann", text)
    assert await why_not(till, "bob", text) == "code_used"
    for seconds in (61, 121):
        till.hands.forward(seconds)
        await till.topups.redeeming.run()
    assert till.bells() == [("credit", most, most)]
    assert till.sql("SELECT tries, redeemed_at FROM gift_code") == [(2, None)]
