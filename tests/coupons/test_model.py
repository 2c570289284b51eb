"""A coupon's definition: what is stored of it is what it was, and nonsense is refused with its place."""

from typing import Any

import msgspec
import pytest
from hypothesis import given

from lingdang.coupons.model import Conditions, Definition
from support.drawn import definitions


@given(definitions)
def test_a_definition_survives_json(definition: Definition) -> None:
    assert msgspec.json.decode(msgspec.json.encode(definition), type=Definition) == definition


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"effect": {"kind": "spend_save", "spend": 10, "save": 11}}, "`save` may not be more than `spend`"),
        ({"effect": {"kind": "spend_save", "spend": 10, "save": 1, "cap": 5}}, "`cap` goes with `every`"),
        ({"effect": {"kind": "buy_pay", "buy": 2, "pay": 2}}, "`pay` must be less than `buy`"),
        ({"effect": {"kind": "half_off"}}, "half_off"),
        ({"effect": {"kind": "percent", "off": 0}}, "effect.off"),
        ({"effect": {"kind": "percent", "off": 101}}, "effect.off"),
        ({"conditions": {"products": ["a"], "excludedProducts": ["a", "b"]}}, "`excludedProducts` leaves nothing"),
        ({"conditions": {"products": []}}, "conditions.products"),
        ({"stacking": {"order": 1001}}, "stacking.order"),
        ({"validFrom": "2026-01-02T00:00:00Z", "validUntil": "2026-01-02T00:00:00Z"}, "must be after `validFrom`"),
        ({"validDays": 1097}, "validDays"),
        ({"name": "a\0"}, "name"),
        (
            {"effect": {"kind": "free_product", "productId": "a"}, "conditions": {"excludedProducts": ["a"]}},
            "The free product may not be excluded",
        ),
    ],
)
def test_what_is_no_definition(changed: dict[str, Any], said: str) -> None:
    with pytest.raises(msgspec.ValidationError, match=said):
        msgspec.convert({"name": "V", "effect": {"kind": "fixed", "amount": 5}} | changed, Definition)


def test_a_part_of_the_products_may_be_excluded() -> None:
    named = Conditions(products=frozenset({"a", "b"}), excluded_products=frozenset({"b"}))
    assert (named.admits_all, named.listed) == (False, 3)
    assert (Conditions(first_purchase=True).admits_all, Conditions().listed) == (True, 0)
