"""Rights without a payment, given and ended by an operator."""

import pytest

from support.buyer import Buyer
from support.refunds import ann_among_books, bought, desk_of, owned, refund
from support.shop import Shop
from support.vouchers import differences


@pytest.fixture
async def ann(shop: Shop) -> Buyer:
    return await ann_among_books(shop)


async def test_a_right_without_a_payment(shop: Shop, ann: Buyer) -> None:
    desk = await desk_of(shop)
    path = "/v1/admin/customers/ann/entitlements/a"
    gift = {"grantId": "g-1", "reason": "a gift"}
    first = await shop.http.put(path, json=gift, headers=desk)
    again = await shop.http.put(path, json=gift, headers=desk)
    assert (first.json(), again.json(), again.headers["idempotent-replayed"]) == (
        {"granted": True},
        {"granted": True},
        "true",
    )
    item = (await ann.get("/v1/entitlements")).json()["items"][0]
    assert (item["grantId"], "orderId" in item) == ("g-1", False)
    access = await ann.get("/v1/access", productId="a")
    assert (access.status_code, access.headers["x-entitlement-grant"]) == (204, "g-1")
    owned_already = await shop.http.put(path, json=gift | {"grantId": "g-2"}, headers=desk)
    assert owned_already.json() == {"granted": False}
    end = {"revocationId": "v-1", "reason": "a mistake"}
    assert (await shop.http.post(f"{path}/revocations", json=end, headers=desk)).status_code == 200
    assert await owned(ann) == set()
    assert [each["currency"] for each in (await ann.get("/v1/wallet")).json()["balances"]] == ["BELL"]
    assert differences(shop) == []
    order_id = await bought(ann, "a")
    ordered = await shop.http.post(f"{path}/revocations", json=end | {"revocationId": "v-2"}, headers=desk)
    assert ordered.status_code == 404
    assert (await refund(shop, desk, order_id)).status_code == 200
    assert differences(shop) == []
