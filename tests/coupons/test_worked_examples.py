"""docs/vouchers.md: every worked example comes out as it says, and every reason and kind stands there."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, get_args

import msgspec
import pytest

from lingdang.coupons.deciding import decide
from lingdang.coupons.goods import Buyer, Good, Voucher, basket_of
from lingdang.coupons.model import Definition, Effect
from lingdang.coupons.reasons import SENTENCES

PAGE = (Path(__file__).parents[2] / "docs" / "vouchers.md").read_text(encoding="utf-8")


class Example(msgspec.Struct, forbid_unknown_fields=True):
    """One block of the page."""

    definition: Definition
    prices: dict[str, int]
    publishers: dict[str, str] = {}
    categories: dict[str, tuple[str, ...]] = {}
    discounts: dict[str, int] | None = None
    reason: dict[str, Any] | None = None


EXAMPLES = [msgspec.json.decode(block, type=Example) for block in re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)]


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.definition.name.replace(" ", "-"))
def test_example(example: Example) -> None:
    goods = [
        Good(i, price, example.publishers.get(i), example.categories.get(i, ())) for i, price in example.prices.items()
    ]
    now = datetime(2026, 11, 23, tzinfo=UTC)
    order = basket_of(goods, "BELL", Buyer(), now)
    decision = decide(order, [Voucher("v", "c", example.definition, now + timedelta(days=1))])
    [verdict] = decision.verdicts
    if example.discounts is not None:
        assert decision.discounts == example.discounts
        assert (verdict.usable, verdict.saves) == (True, sum(example.discounts.values()))
    else:
        assert verdict.reason is not None
        assert {name: verdict.reason[name] for name in example.reason or {}} == example.reason
        assert not any(decision.discounts.values())


def test_every_kind_has_an_example() -> None:
    shown = {type(example.definition.effect) for example in EXAMPLES if example.discounts is not None}
    assert shown == set(get_args(Effect))


def test_every_reason_stands_in_the_table() -> None:
    table = PAGE[PAGE.index("| code | figures |") : PAGE.index("With `voucherIds` exactly")]
    assert set(SENTENCES) <= set(re.findall(r"`([a-z_]+)`", table))
