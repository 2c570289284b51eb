"""A coupon's definition: what is stored of it is what it was."""

import msgspec
from hypothesis import given

from lingdang.coupons.model import Definition
from support.drawn import definitions


@given(definitions)
def test_a_definition_survives_json(definition: Definition) -> None:
    assert msgspec.json.decode(msgspec.json.encode(definition), type=Definition) == definition
