"""The least there is: a served shop answers, in problems, with a request id."""

from support.shop import Shop


async def test_unknown_address_is_a_problem(shop: Shop) -> None:
    answer = await shop.http.get("/v1/nothing", headers={"X-Request-Id": "r-1", "Accept-Language": "zh-CN"})
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["code"] == "not_found"
    assert answer.json()["title"] == "未找到"
    assert answer.json()["requestId"] == answer.headers["x-request-id"] == "r-1"
