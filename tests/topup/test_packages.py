"""What a package may be."""

from typing import Any

import msgspec
import pytest

from lingdang.topup.packages import Package

FIXED = {"name": "n", "paid": 10, "price": {"amount": 1, "currency": "CNY"}}
FREE = {"name": "n", "perBell": {"amount": 1, "currency": "CNY"}, "least": 1, "most": 10}


@pytest.mark.parametrize("given", [FIXED, FREE, FIXED | {"paid": 0, "bonus": 1}])
def test_what_is_one(given: dict[str, Any]) -> None:
    package = msgspec.convert(given, Package)
    assert msgspec.json.decode(msgspec.json.encode(package), type=Package) == package
    assert package.money == "CNY"


@pytest.mark.parametrize(
    "given",
    [
        FIXED | {"price": None},
        FIXED | {"price": {"amount": 0, "currency": "CNY"}},
        FIXED | {"price": {"amount": 1.0, "currency": "CNY"}},
        FIXED | {"price": {"amount": 1, "currency": "yuan"}},
        FIXED | {"paid": 0},
        FIXED | {"paid": 10**15, "bonus": 1},
        FIXED | {"least": 1},
        FREE | {"paid": 1},
        FREE | {"price": {"amount": 1, "currency": "CNY"}},
        FREE | {"least": 11},
        FREE | {"most": None},
        FREE | {"storeProducts": {"apple": "x"}},
        FIXED | {"providers": ["Not A Name"]},
        FIXED | {"unknown": 1},
    ],
)
def test_what_is_none(given: dict[str, Any]) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(given, Package)
