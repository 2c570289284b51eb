"""PUT /v1/admin/coupons: what a definition may be, and what may still change once it was claimed."""

from typing import Any

import pytest

from support.people import api_key
from support.shop import Shop
from support.vouchers import all_books, hold

OUT_OF_BOUNDS = (
    "9999-12-31T23:59:59-14:00",
    "9999-12-31T23:59:59Z",
    "3000-01-01T00:00:00Z",
    "2999-12-31T23:59:59-00:01",
    "0001-01-01T00:00:00+14:00",
    "1999-12-31T23:59:59Z",
    "2026-12-31T23:59:60Z",
)
"""No UTC has some of them, and no shop needs the others."""

FIXED: dict[str, Any] = {"kind": "fixed", "amount": 10}


def coupon(effect: dict[str, Any] = FIXED, **members: Any) -> dict[str, Any]:
    return {"definition": {"name": "Ten off", "effect": effect, **members}}


WRONG = {
    "percent of 101": (coupon({"kind": "percent", "off": 101}), "$.definition.effect.off"),
    "percent of 0": (coupon({"kind": "percent", "off": 0}), "$.definition.effect.off"),
    "half a bell": (coupon({"kind": "fixed", "amount": 0.5}), "$.definition.effect.amount"),
    "amount as text": (coupon({"kind": "fixed", "amount": "10"}), "$.definition.effect.amount"),
    "unknown kind": (coupon({"kind": "gift"}), "$.definition.effect.kind"),
    "no kind": (coupon({"amount": 10}), "$.definition.effect"),
    "another kind's field": (coupon({"kind": "fixed", "amount": 1, "off": 1}), "$.definition.effect"),
    "saves more than spent": (coupon({"kind": "spend_save", "spend": 10, "save": 11}), "$.definition.effect"),
    "cap without every": (coupon({"kind": "spend_save", "spend": 10, "save": 1, "cap": 5}), "$.definition.effect"),
    "pay all": (coupon({"kind": "buy_pay", "buy": 3, "pay": 3}), "$.definition.effect"),
    "every first item": (coupon({"kind": "nth_item", "nth": 1, "off": 50}), "$.definition.effect.nth"),
    "free and excluded": (
        coupon({"kind": "free_product", "productId": "b"}, conditions={"excludedProducts": ["b"]}), "$.definition"
    ),
    "nothing left": (coupon(conditions={"products": ["b"], "excludedProducts": ["b"]}), "$.definition.conditions"),
    "no products": (coupon(conditions={"products": []}), "$.definition.conditions.products"),
    "ends before it begins": (
        coupon(validFrom="2026-12-02T00:00:00Z", validUntil="2026-12-01T00:00:00Z"), "$.definition"
    ),
    "no time zone": (coupon(validUntil="2026-12-01T00:00:00"), "$.definition.validUntil"),
    **{
        f"{name} {moment}": (coupon(**{name: moment}), f"$.definition.{name}")
        for name in ("validFrom", "validUntil")
        for moment in OUT_OF_BOUNDS
    },
    "unknown condition": (coupon(conditions={"minimumSpend": 5}), "$.definition.conditions"),
    "no name": ({"definition": {"name": "", "effect": FIXED}}, "$.definition.name"),
    "a name with NUL": ({"definition": {"name": "T\0", "effect": FIXED}}, "$.definition.name"),
    "a group with NUL": (coupon(stacking={"group": "a\0b"}), "$.definition.stacking.group"),
    "a publisher with NUL": (coupon(conditions={"publishers": ["\0"]}), "$.definition.conditions.publishers"),
    "no supply": ({**coupon(), "totalLimit": 0}, "$.totalLimit"),
    "bad code": ({**coupon(), "code": "a b"}, "$.code"),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
async def test_a_wrong_definition_says_where(shop: Shop, name: str) -> None:
    body, path = WRONG[name]
    before = all_books(shop)
    operator = await api_key(shop, "coupons:write")
    answer = await shop.http.put("/v1/admin/coupons/ten", json=body, headers=operator)
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_request"), answer.text
    assert answer.json()["errors"][0]["path"].startswith(path)
    assert all_books(shop) == before


async def test_create_replace_and_the_promise(shop: Shop) -> None:
    operator = await api_key(shop, "coupons:write")

    async def put(body: dict[str, Any], coupon_id: str = "ten") -> tuple[int, dict[str, Any]]:
        answer = await shop.http.put(f"/v1/admin/coupons/{coupon_id}", json=body, headers=operator)
        return answer.status_code, answer.json()

    status, created = await put({**coupon(), "code": "ten", "totalLimit": 5})
    assert (status, created["code"], created["claimed"], created["used"]) == (201, "TEN", 0, 0)
    assert (await put(coupon({"kind": "fixed", "amount": 20})))[0] == 200
    assert (await put({**coupon(), "code": "TEN"}))[0] == 200
    status, problem = await put({**coupon(), "code": "Ten"}, "twin")
    assert (status, problem["errors"][0]["path"]) == (400, "$.code")

    hold(shop, "ann", "ten")
    hold(shop, "bob", "ten")
    before = all_books(shop)
    for body, path in [
        (coupon({"kind": "fixed", "amount": 5}), "$.definition"),
        (coupon(conditions={"minSpend": 50}), "$.definition"),
        ({**coupon(), "totalLimit": 1}, "$.totalLimit"),
    ]:
        status, problem = await put(body)
        assert (status, problem["errors"][0]["path"]) == (400, path)
    assert all_books(shop) == before
    renamed = coupon(validUntil="2099-01-01T00:00:00Z", name="Ten bells off")
    status, changed = await put({**renamed, "status": "paused", "totalLimit": 2})
    assert (status, changed["status"], changed["claimed"], changed["totalLimit"]) == (200, "paused", 2, 2)
