"""What operators see and decide: money back with its bells, disputes, what is in review."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from lingdang.keys import Keyring
from lingdang.topup.providers.provider import Refused, Standing, Unavailable
from lingdang.topup.providers.sandbox import Sandbox
from support.buyer import Buyer, buyer, stock
from support.people import api_key
from support.shop import Shop, open_shop
from support.tabs import until
from support.topups import becomes, begin, bells, carried_out, play, sell


class Desk:
    """An operator, a customer, and a shop."""

    def __init__(self, shop: Shop, key: dict[str, str]) -> None:
        self.shop = shop
        self.key = key
        self.ann: Buyer = buyer(shop)

    async def ask(self, method: str, place: str = "", **body: Any) -> httpx.Response:
        sent = {"json": body} if method == "POST" else {"params": body}
        return await self.shop.http.request(method, f"/v1/admin/topups{place}", headers=self.key, **sent)

    async def paid(self, outcome: str = "pay", status: str = "paid", **changed: Any) -> dict[str, Any]:
        topup = await begin(self.ann, **changed)
        await play(self.ann, topup, outcome)
        return await becomes(self.ann, topup, status) | {"action": topup["action"]}

    async def show(self, topup: dict[str, Any]) -> dict[str, Any]:
        told: dict[str, Any] = (await self.ask("GET", f"/{topup['topupId']}")).json()
        return told

    async def balance(self) -> tuple[int, int, int]:
        """What can be spent, what is owed, what is frozen."""
        [found] = (await self.ann.get("/v1/wallet")).json()["balances"]
        return found["balance"], found["debt"], found["frozen"]


@pytest.fixture
async def desk(database_url: str, keyring: Keyring) -> AsyncIterator[Desk]:
    async with open_shop(database_url, keyring, sandbox=True, cash_refunds="days:14") as shop:
        key = await api_key(shop)
        await sell(shop, key)
        yield Desk(shop, key)


async def test_money_that_went_back_at_the_provider_takes_its_bells(desk: Desk) -> None:
    topup = await desk.paid()
    await play(desk.ann, topup, "refund:100")
    await becomes(desk.ann, topup, "partly_refunded")
    assert await desk.balance() == (550, 0, 0)
    await play(desk.ann, topup, "refund:500")
    await becomes(desk.ann, topup, "refunded")
    assert await desk.balance() == (0, 0, 0)
    assert [row[:2] for row in bells(desk.shop)] == [("topup", 660), ("takeback", -110), ("takeback", -550)]


async def test_bells_that_were_spent_are_owed(desk: Desk) -> None:
    stock(desk.shop, "book-1", price=600)
    topup = await desk.paid()
    assert (await desk.ann.buy("book-1")).status_code == 200
    await play(desk.ann, topup, "refund:600")
    await becomes(desk.ann, topup, "refunded")
    assert await desk.balance() == (0, 600, 0)
    shown = await desk.show(topup)
    assert shown["left"] == {"left": 0, "spent": 0, "frozen": 0, "taken": 660, "debt": 600, "consumed": 0}


async def test_a_dispute_freezes_what_is_left_until_it_ends(desk: Desk) -> None:
    topup = await desk.paid()
    await play(desk.ann, topup, "dispute")
    await becomes(desk.ann, topup, "disputed")
    assert await desk.balance() == (0, 0, 660)
    await play(desk.ann, topup, "dispute_won")
    await becomes(desk.ann, topup, "paid")
    assert await desk.balance() == (660, 0, 0)
    await play(desk.ann, topup, "dispute")
    await becomes(desk.ann, topup, "disputed")
    await play(desk.ann, topup, "dispute_lost")
    await becomes(desk.ann, topup, "lost")
    assert await desk.balance() == (0, 0, 0)
    assert [kind for (kind,) in desk.shop.sql("SELECT type FROM notice ORDER BY position")] == ["topup.disputed"]


async def test_an_operator_gives_what_is_left_back(desk: Desk) -> None:
    stock(desk.shop, "book-1", price=330)
    topup = await desk.paid()
    assert (await desk.ann.buy("book-1")).status_code == 200
    place = f"/{topup['topupId']}/refunds"
    done = await desk.ask("POST", place, refundId="r-1")
    assert (done.status_code, done.json()["amount"], done.json()["status"]) == (200, 300, "done")
    assert (await desk.ask("POST", place, refundId="r-1")).json() == done.json()
    assert (await desk.ask("POST", place, refundId="r-1", amount=300)).json() == done.json()
    other = await desk.ask("POST", place, refundId="r-1", amount=200)
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_mismatch")
    assert await desk.balance() == (0, 0, 0)
    shown = await desk.show(topup)
    assert (shown["status"], shown["refunded"], shown["refunds"]) == ("partly_refunded", 300, [done.json()])
    nothing = await desk.ask("POST", place, refundId="r-2")
    assert (nothing.status_code, nothing.json()["reasons"]) == (409, {"topup": "nothing_left"})
    much = await desk.ask("POST", place, refundId="r-3", amount=301)
    assert (much.status_code, much.json()["reasons"]) == (409, {"topup": "more_than_there_is"})
    assert desk.shop.sql("SELECT refunded, refunds FROM sandbox_payment") == [(300, ["r-1"])]


async def test_what_nobody_paid_cannot_go_back(desk: Desk) -> None:
    topup = await begin(desk.ann)
    refused = await desk.ask("POST", f"/{topup['topupId']}/refunds", refundId="r-1", amount=1)
    assert (refused.status_code, refused.json()["reasons"]) == (409, {"topup": "not_paid"})
    unknown = await desk.ask("POST", f"/{topup['topupId'][:-1]}0/refunds", refundId="r-1", amount=1)
    assert unknown.status_code in (404, 409)
    assert desk.shop.sql("SELECT 1 FROM topup_refund") == []


async def test_a_provider_that_refuses_has_the_bells_come_back(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    topup = await desk.paid()
    seen: list[tuple[int, int, int]] = []

    def refuse(*_: object) -> Standing:
        seen.append(desk.shop.sql("SELECT balance, debt, 0 FROM wallet WHERE currency <> ''")[0])  # type: ignore[arg-type]
        raise Refused("too_old")

    monkeypatch.setattr(Sandbox, "refund", refuse)
    done = await desk.ask("POST", f"/{topup['topupId']}/refunds", refundId="r-1", amount=300)
    assert (done.status_code, done.json()["status"], done.json()["refused"]) == (200, "refused", "too_old")
    assert seen == [(330, 0, 0)], "the bells go first"
    assert await desk.balance() == (660, 0, 0)
    assert (await desk.show(topup))["status"] == "paid"


async def test_a_provider_that_is_away_is_asked_again(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    topup = await desk.paid()
    refund = Sandbox.refund

    def away(*_: object) -> Standing:
        raise Unavailable

    monkeypatch.setattr(Sandbox, "refund", away)
    place = f"/{topup['topupId']}/refunds"
    waits = await desk.ask("POST", place, refundId="r-1", amount=300)
    assert (waits.status_code, waits.json()["status"]) == (202, "pending")
    assert await desk.balance() == (330, 0, 0)
    other = await desk.ask("POST", place, refundId="r-2", amount=10)
    assert other.json()["reasons"] == {"topup": "another_under_way"}
    monkeypatch.setattr(Sandbox, "refund", refund)
    desk.shop.sql("UPDATE topup_refund SET due_at = now()")
    await becomes(desk.ann, topup, "partly_refunded")
    await until(lambda: desk.shop.sql("SELECT done_at IS NOT NULL FROM topup_refund") == [(True,)])
    done = (await desk.ask("POST", place, refundId="r-1", amount=300)).json()
    assert done["status"] == "done"
    assert await desk.balance() == (330, 0, 0)


async def test_what_is_accepted_is_credited_as_it_was_agreed(desk: Desk) -> None:
    topup = await desk.paid("wrong_amount", "review")
    [listed] = (await desk.ask("GET", status="review")).json()["items"]
    assert (listed["topupId"], listed["custId"], listed["differs"]) == (topup["topupId"], "ann", ["amount"])
    assert bells(desk.shop) == []
    place = f"/{topup['topupId']}/decision"
    for _ in range(2):
        done = await desk.ask("POST", place, decision="accept")
        assert (done.status_code, done.json()["status"], done.json()["decided"]) == (200, "paid", "accepted")
    assert bells(desk.shop) == [("topup", 660, 660)]
    late = await desk.ask("POST", place, decision="return")
    assert (late.status_code, late.json()["code"]) == (409, "topup_undecided")
    await play(desk.ann, topup, "refund:601")
    await becomes(desk.ann, topup, "refunded")
    assert await desk.balance() == (0, 0, 0), "all of the money is all of the bells"


async def test_one_is_looked_up_by_what_somebody_has_of_it(desk: Desk) -> None:
    topup = await desk.paid("wrong_amount", "review")
    await desk.paid()
    support = topup["supportReference"]
    await desk.ask("POST", f"/{topup['topupId']}/decision", decision="accept")
    payment = (await desk.show(topup))["reference"]
    for asked in ({"supportReference": support}, {"reference": payment}, {"reference": payment, "custId": "ann"}):
        [found] = (await desk.ask("GET", **asked)).json()["items"]
        assert found["topupId"] == topup["topupId"]
    for other in ({"supportReference": support, "status": "review"}, {"reference": "other"}):
        assert (await desk.ask("GET", **other)).json() == {"items": [], "nextCursor": None}
    assert (await desk.ask("GET", supportReference="36EB")).status_code == 400


async def test_what_is_returned_is_never_credited(desk: Desk) -> None:
    topup = await desk.paid("wrong_currency", "review")
    for _ in range(2):
        done = await desk.ask("POST", f"/{topup['topupId']}/decision", decision="return")
        assert (done.status_code, done.json()["status"]) == (200, "refunded")
    assert bells(desk.shop) == []
    assert desk.shop.sql("SELECT refunded FROM sandbox_payment") == [(600,)]


async def test_what_is_not_in_review_needs_no_decision(desk: Desk) -> None:
    topup = await desk.paid()
    before = desk.shop.sql("SELECT * FROM topup")
    for decision in ("accept", "return"):
        refused = await desk.ask("POST", f"/{topup['topupId']}/decision", decision=decision)
        assert (refused.status_code, refused.json()["code"]) == (409, "topup_undecided")
    assert desk.shop.sql("SELECT * FROM topup") == before


async def test_money_of_nobody_can_only_go_back(desk: Desk) -> None:
    topup = await begin(desk.ann)
    desk.shop.sql("DELETE FROM topup")
    await play(desk.ann, topup, "pay")
    await carried_out(desk.shop)
    [stray] = (await desk.ask("GET", status="review")).json()["items"]
    assert (stray["custId"], stray["differs"], stray["received"]["amount"]) == (None, ["unknown"], 600)
    place = f"/{stray['topupId']}/decision"
    assert (await desk.ask("POST", place, decision="accept")).json()["reason"] == "of_nobody"
    # The sandbox knows the payment by the number that it was begun with.
    desk.shop.sql("UPDATE sandbox_payment SET topup_id = %s", (stray["topupId"],))
    desk.shop.sql("UPDATE topup SET reference = 'sandbox_' || replace(topup_id::text, '-', '')")
    assert (await desk.ask("POST", place, decision="return")).json()["status"] == "refunded"
    assert bells(desk.shop) == []


async def test_lists_are_by_customer_and_state(desk: Desk) -> None:
    first, second = await desk.paid(), await begin(desk.ann)
    everything = (await desk.ask("GET")).json()["items"]
    assert [each["topupId"] for each in everything] == [second["topupId"], first["topupId"]]
    for asked in ({"status": "paid"}, {"custId": "ann", "status": "paid"}):
        assert [each["topupId"] for each in (await desk.ask("GET", **asked)).json()["items"]] == [first["topupId"]]
    assert (await desk.ask("GET", custId="nobody")).status_code == 404
    page = (await desk.ask("GET", limit="1")).json()
    assert (await desk.ask("GET", limit="1", cursor=page["nextCursor"])).json()["items"][0]["topupId"] == first[
        "topupId"
    ]
    reader = await api_key(desk.shop, "topups:read", name="reader")
    desk.key = reader
    assert (await desk.ask("POST", f"/{first['topupId']}/refunds", refundId="r", amount=1)).status_code == 403
