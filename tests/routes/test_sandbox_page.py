"""The sandbox's own page: what can happen now, in the payer's language, and the way back to the shop."""

from collections.abc import AsyncIterator

import pytest

from lingdang.keys import Keyring
from support.buyer import Buyer, buyer
from support.people import api_key
from support.shop import Shop, open_shop
from support.topups import becomes, begin, sell


@pytest.fixture
async def sandbox(database_url: str, keyring: Keyring) -> AsyncIterator[Shop]:
    async with open_shop(database_url, keyring, sandbox=True, return_origins=("https://reader.example",)) as shop:
        yield shop


@pytest.fixture
async def ann(sandbox: Shop) -> Buyer:
    await sell(sandbox, await api_key(sandbox), name="<b>600</b>")
    return buyer(sandbox)


async def press(ann: Buyer, address: str, outcome: str) -> str:
    """As the page's form sends it; answers where the payer is led."""
    answer = await ann.shop.http.post(address, data={"outcome": outcome})
    assert answer.status_code == 303, answer.text
    return answer.headers["location"]


async def shown(ann: Buyer, address: str, language: str = "en") -> str:
    answer = await ann.shop.http.get(address, headers={"Accept-Language": language})
    assert answer.status_code == 200
    return answer.text


async def test_the_payer_is_led_back_with_the_top_up_s_id(ann: Buyer) -> None:
    topup = await begin(ann, returnUrl="/topup/{topupId}?order=7")
    assert await press(ann, topup["action"]["url"], "pay") == f"/topup/{topup['topupId']}?order=7"
    await becomes(ann, topup, "paid")


async def test_a_form_may_lead_to_an_allowed_origin_alone(ann: Buyer) -> None:
    back = "https://reader.example/back?at={topupId}"
    topup = await begin(ann, returnUrl=back)
    answer = await ann.shop.http.get(topup["action"]["url"])
    assert "form-action 'self' https://reader.example" in answer.headers["content-security-policy"]
    assert await press(ann, topup["action"]["url"], "fail") == back.format(topupId=topup["topupId"])
    other = await begin(ann)
    answer = await ann.shop.http.get(other["action"]["url"])
    assert answer.headers["content-security-policy"].endswith("form-action 'self'")
    assert await press(ann, other["action"]["url"], "pay") == other["action"]["url"]


async def test_an_address_in_another_script_is_led_to(ann: Buyer) -> None:
    topup = await begin(ann, returnUrl="/书/{topupId}")
    assert await press(ann, topup["action"]["url"], "pay") == f"/%E4%B9%A6/{topup['topupId']}"


async def test_only_what_can_happen_now_has_a_button(ann: Buyer) -> None:
    topup = await begin(ann)
    address = topup["action"]["url"]
    page = await shown(ann, address)
    assert ("&lt;b&gt;600&lt;/b&gt;" in page, "<b>" in page) == (True, False)
    assert ('value="pay"' in page, 'value="dispute"' in page, "refund" in page) == (True, False, False)
    await press(ann, address, "pay")
    page = await shown(ann, address)
    assert ('value="pay"' in page, 'value="dispute"' in page) == (False, True)
    assert 'value="refund:600">Refund all of it' in page
    assert 'value="refund:300">Refund half of it' in page
    await press(ann, address, "refund:300")
    assert 'value="refund:300">Refund all of it' in await shown(ann, address)
    await press(ann, address, "refund:300")
    page = await shown(ann, address)
    assert ("Refunded: CN¥6.00" in page, "<button" in page) == (True, False)
    assert "已退款：¥6.00" in await shown(ann, address, "zh")
    assert await press(ann, address, "pay") == address, "an old page is shown anew"
    refused = await ann.shop.http.post(address, json={"outcome": "pay"})
    assert (refused.status_code, refused.json()["code"]) == (409, "topup_undecided")


@pytest.mark.parametrize(
    ("language", "said"), [("zh-CN,zh;q=0.9", "沙箱支付"), ("en-GB", "Sandbox payment"), ("", "Sandbox payment")]
)
async def test_it_speaks_the_payer_s_language(ann: Buyer, language: str, said: str) -> None:
    topup = await begin(ann)
    assert said in await shown(ann, topup["action"]["url"], language)
