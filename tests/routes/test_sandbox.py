"""The sandbox's page shows a payment and has it come out as its buttons say, whoever looks."""

from collections.abc import AsyncIterator

import pytest

from lingdang.keys import Keyring
from lingdang.topup.providers.sandbox import OUTCOMES
from support.buyer import Buyer, buyer
from support.people import api_key
from support.shop import Shop, open_shop
from support.topups import becomes, begin, look, play, sell

NOWHERE = "/sandbox/01890a5d-ac96-774b-bcce-b302099a8057"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


@pytest.fixture
async def shop(database_url: str, keyring: Keyring) -> AsyncIterator[Shop]:
    async with open_shop(database_url, keyring, sandbox=True) as opened:
        await sell(opened, await api_key(opened), name='<b>600 "bells"</b>')
        yield opened


@pytest.fixture
def ann(shop: Shop) -> Buyer:
    return buyer(shop)


def buttons(html: str) -> set[str]:
    """The outcomes that a page offers."""
    return {outcome for outcome in OUTCOMES if f'value="{outcome}"' in html}


async def test_the_page_shows_the_payment_with_a_button_for_each_outcome_that_can_be_and_runs_nothing(
    shop: Shop, ann: Buyer
) -> None:
    topup = await begin(ann)
    page = await shop.http.get(topup["action"]["url"])
    assert page.status_code == 200
    assert page.headers["content-type"].startswith("text/html")
    assert "script-src" not in page.headers["content-security-policy"]
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert "6.00" in page.text
    assert "<b>" not in page.text, "a name is text"
    assert {"pay", "fail", "wrong_amount"} <= buttons(page.text)
    await play(ann, topup, "pay")
    paid = buttons((await shop.http.get(topup["action"]["url"])).text)
    assert ("pay" in paid, "dispute" in paid) == (False, True)


async def test_a_button_has_the_payment_come_out_so_and_leads_back_to_the_page(shop: Shop, ann: Buyer) -> None:
    topup = await begin(ann)
    url = topup["action"]["url"]
    done = await shop.http.post(url, content=b"outcome=pay", headers=FORM, follow_redirects=False)
    assert (done.status_code, done.headers["location"]) == (303, f"/sandbox/{topup['topupId']}")
    await becomes(ann, topup, "paid")
    again = await play(ann, topup, "pay")
    assert (again.status_code, again.json()["code"]) == (409, "topup_undecided")


async def test_what_is_no_outcome_and_what_is_no_payment_is_refused(shop: Shop, ann: Buyer) -> None:
    topup = await begin(ann)
    url = topup["action"]["url"]
    for body in (b"outcome=win", b"", b"outcome=refund:0"):
        answer = await shop.http.post(url, content=body, headers=FORM)
        assert (answer.status_code, answer.json()["code"]) == (400, "invalid_request"), body
    assert (await play(ann, topup, "win")).status_code == 400
    assert (await shop.http.post(url, content=b"\xff")).status_code == 400
    assert (await look(ann, topup))["status"] == "pending"
    assert (await shop.http.get(NOWHERE)).status_code == 404
    assert (await shop.http.post(NOWHERE, json={"outcome": "pay"})).status_code == 404


async def test_without_the_setting_there_is_no_such_page(database_url: str, keyring: Keyring) -> None:
    async with open_shop(database_url, keyring) as shop:
        assert (await shop.http.post(NOWHERE, json={"outcome": "pay"})).status_code in (404, 405)
