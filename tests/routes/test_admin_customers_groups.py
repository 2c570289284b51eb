"""The groups of a customer, which conditions of vouchers name."""

from support.people import api_key
from support.shop import Shop


async def test_groups_of_a_customer(shop: Shop) -> None:
    operator = await api_key(shop, "customers:write")
    for groups in (["vip", "staff", "vip"], None, []):
        body = {"custId": "ann"} | ({} if groups is None else {"groups": groups})
        answer = await shop.http.post("/v1/admin/customers", json=body, headers=operator)
        assert answer.status_code in (200, 201)
        expected = [] if groups == [] else ["staff", "vip"]
        assert shop.sql("SELECT groups FROM customer") == [(expected,)]
