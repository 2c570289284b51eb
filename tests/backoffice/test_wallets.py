"""POST /v1/admin/wallets/{custId}/credits: bells once for each creditId, of a kind, until a day."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from lingdang.ids import MAX_AMOUNT
from lingdang.ledger.lots import APART
from support.buyer import books, buyer, stock
from support.money import credit as give
from support.money import open_settlement
from support.people import api_key
from support.shop import Shop
from support.vouchers import differences


@pytest.fixture
async def operator(shop: Shop) -> dict[str, str]:
    """The headers of a key that may credit, and nothing else."""
    return await api_key(shop, "wallets:credit")


@pytest.fixture(scope="module")
async def shared_operator(shared_shop: Shop) -> dict[str, str]:
    """The same in the shop that this file shares."""
    return await api_key(shared_shop, "wallets:credit")


async def credit(shop: Shop, operator: dict[str, str], cust_id: str = "ann", **changed: Any) -> httpx.Response:
    """Five paid bells as `c-1` for a customer who may be new, unless changed."""
    body = {"creditId": "c-1", "amount": 5, "kind": "paid", "reason": "a gift", "createCustomer": True} | changed
    return await shop.http.post(f"/v1/admin/wallets/{cust_id}/credits", json=body, headers=operator)


def in_days(days: int) -> str:
    """A moment from now, in whole milliseconds, as the server writes it."""
    moment = datetime.now(UTC).replace(microsecond=0) + timedelta(days=days)
    return moment.isoformat().replace("+00:00", "Z")


async def refused(answer: httpx.Response, status: int, code: str, shop: Shop, before: dict[str, str]) -> dict[str, Any]:
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
    assert books(shop) == before
    problem: dict[str, Any] = answer.json()
    return problem


async def test_a_credit_is_booked_once_and_answered_alike(shop: Shop, operator: dict[str, str]) -> None:
    first = await credit(shop, operator)
    assert first.status_code == 200
    assert "idempotent-replayed" not in first.headers
    told = {name: value for name, value in first.json().items() if name != "creditedAt"}
    assert told == {
        "creditId": "c-1",
        "custId": "ann",
        "currency": "BELL",
        "amount": 5,
        "kind": "paid",
        "reason": "a gift",
        "expiresAt": None,
        "balance": 5,
    }
    assert (await credit(shop, operator, creditId="c-2")).json()["balance"] == 10
    before = books(shop)
    again = await credit(shop, operator)
    assert (again.status_code, again.json()) == (200, first.json()), "with the balance it had"
    assert again.headers["idempotent-replayed"] == "true"
    assert books(shop) == before


async def test_a_customer_nobody_has_heard_of_is_added_where_the_body_says_so(
    shop: Shop, operator: dict[str, str]
) -> None:
    before = books(shop)
    for without in ({"createCustomer": False}, {"createCustomer": False, "kind": "bonus"}):
        await refused(await credit(shop, operator, **without), 404, "not_found", shop, before)
    assert shop.sql("SELECT * FROM customer") == []
    body = {"creditId": "c-1", "amount": 5, "kind": "paid", "reason": "a gift"}
    unsaid = await shop.http.post("/v1/admin/wallets/ann/credits", json=body, headers=operator)
    await refused(unsaid, 404, "not_found", shop, before)
    assert (await credit(shop, operator)).status_code == 200
    [(key,)] = shop.sql("SELECT customer FROM customer WHERE customer_id = 'ann'")
    assert shop.sql("SELECT customer, balance FROM wallet") == [(key, 5)]
    for number, says_so in enumerate((False, True)):
        again = await credit(shop, operator, creditId=f"more-{number}", createCustomer=says_so)
        assert again.status_code == 200
    assert shop.sql("SELECT customer, balance FROM wallet") == [(key, 15)], "who is there is not added again"


async def test_one_new_customer_in_many_credits_at_once(shop: Shop, operator: dict[str, str]) -> None:
    answers = await asyncio.gather(*(credit(shop, operator, creditId=f"c-{number}") for number in range(16)))
    assert {answer.status_code for answer in answers} == {200}
    assert shop.sql("SELECT customer_id, balance FROM customer JOIN wallet USING (customer)") == [("ann", 80)]


async def test_what_is_refused_adds_no_customer(shop: Shop, operator: dict[str, str]) -> None:
    before = books(shop)
    for changed in ({"amount": 0}, {"expiresAt": "3000-01-01T00:00:00Z"}, {"kind": "free"}, {"createCustomer": "yes"}):
        await refused(await credit(shop, operator, **changed), 400, "invalid_request", shop, before)
    assert shop.sql("SELECT * FROM customer") == []


async def test_many_at_once_are_booked_once(shop: Shop, operator: dict[str, str]) -> None:
    answers = await asyncio.gather(*(credit(shop, operator) for _ in range(16)))
    assert {answer.text for answer in answers} == {answers[0].text}
    assert sum("idempotent-replayed" not in answer.headers for answer in answers) == 1
    assert shop.sql("SELECT balance FROM wallet") == [(5,)]


async def test_a_credit_id_is_its_customer_s(shop: Shop, operator: dict[str, str]) -> None:
    for cust_id, amount in (("ann", 5), ("bob", 7), ("Ann", 9)):
        answer = await credit(shop, operator, cust_id, amount=amount)
        assert (answer.status_code, answer.json()["balance"]) == (200, amount)
        assert "idempotent-replayed" not in answer.headers
    before = books(shop)
    assert (await credit(shop, operator, "bob", amount=7)).headers["idempotent-replayed"] == "true"
    await refused(await credit(shop, operator, "bob"), 422, "idempotency_mismatch", shop, before)
    document = (await shop.http.get("/openapi.json")).json()
    said = document["components"]["schemas"]["CreditRequest"]["properties"]["creditId"]["description"]
    assert "within the customer" in said


@pytest.mark.parametrize(
    "changed",
    [
        {"amount": 6},
        {"kind": "bonus"},
        {"reason": "another"},
        {"currency": "GEM"},
        {"expiresAt": in_days(9)},
    ],
    ids=lambda changed: next(iter(changed)),
)
async def test_the_same_id_with_another_body(shop: Shop, operator: dict[str, str], changed: dict[str, Any]) -> None:
    await credit(shop, operator)
    before = books(shop)
    await refused(await credit(shop, operator, **changed), 422, "idempotency_mismatch", shop, before)


async def test_a_bonus_is_shown_with_its_expiry(shop: Shop, operator: dict[str, str]) -> None:
    soon, later = in_days(3), in_days(30)
    await credit(shop, operator, amount=10)
    answer = await credit(shop, operator, creditId="b-1", amount=7, kind="bonus", expiresAt=soon)
    assert (answer.json()["kind"], answer.json()["expiresAt"], answer.json()["balance"]) == ("bonus", soon, 17)
    await credit(shop, operator, creditId="b-2", amount=2, kind="bonus", expiresAt=later)
    wallet = (await buyer(shop).get("/v1/wallet")).json()
    assert wallet == {
        "balances": [
            {
                "currency": "BELL",
                "balance": 19,
                "paid": 10,
                "bonus": 9,
                "debt": 0,
                "frozen": 0,
                "expiring": [{"amount": 7, "expiresAt": soon}, {"amount": 2, "expiresAt": later}],
            }
        ]
    }


async def test_an_offset_is_the_same_moment(shop: Shop, operator: dict[str, str]) -> None:
    moment = datetime.now(UTC).replace(microsecond=0) + timedelta(days=2)
    first = await credit(shop, operator, expiresAt=moment.isoformat().replace("+00:00", "Z"))
    other_writing = (moment + timedelta(hours=8)).replace(tzinfo=None).isoformat() + "+08:00"
    again = await credit(shop, operator, expiresAt=other_writing)
    assert (again.status_code, again.json()) == (200, first.json())


@pytest.mark.parametrize("days", [-1, -4000])
async def test_an_expiry_in_the_past(shop: Shop, operator: dict[str, str], days: int) -> None:
    await credit(shop, operator)
    before = books(shop)
    answer = await credit(shop, operator, creditId="late", expiresAt=in_days(days))
    problem = await refused(answer, 400, "invalid_request", shop, before)
    assert problem["errors"][0]["path"] == "$.expiresAt"


async def test_a_wallet_holds_no_more_than_it_can(shop: Shop, operator: dict[str, str]) -> None:
    assert (await credit(shop, operator, creditId="most", amount=MAX_AMOUNT)).status_code == 200
    before = books(shop)
    problem = await refused(await credit(shop, operator, amount=1), 409, "wallet_full", shop, before)
    assert str(MAX_AMOUNT) in problem["limit"]


DAY = datetime(2900, 6, 1, tzinfo=UTC)


def at(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")


async def fill(shop: Shop, cust_id: str = "ann") -> None:
    """As many bonus credits as have lots of their own, with expiries an hour apart; the last is a day's end."""
    async with open_settlement(shop.database_url) as settlement:
        for hour in range(APART):
            end = DAY - timedelta(hours=APART - 1 - hour)
            await settlement.submit(give(cust_id, 1, kind="bonus", credit_id=f"b-{hour}", expires_at=end))


async def test_many_expiries_make_no_credit_impossible(shop: Shop, operator: dict[str, str]) -> None:
    await fill(shop)
    paid = await credit(shop, operator, creditId="paid", amount=6480)
    assert (paid.status_code, paid.json()["expiresAt"], paid.json()["balance"]) == (200, None, 6480 + APART), paid.text
    asked = {
        "early": (DAY - timedelta(minutes=30), DAY),
        "there": (DAY - timedelta(hours=5), DAY - timedelta(hours=5)),
        "late": (DAY + timedelta(minutes=1), DAY + timedelta(days=1)),
        "same day": (DAY + timedelta(hours=3), DAY + timedelta(days=1)),
        "a day's end": (DAY + timedelta(days=9), DAY + timedelta(days=9)),
    }
    for name, (wanted, given) in asked.items():
        body = {"creditId": name.replace(" ", "-").replace("'", ""), "kind": "bonus", "expiresAt": at(wanted)}
        first = await credit(shop, operator, **body)
        assert (first.status_code, first.json().get("expiresAt")) == (200, at(given)), first.text
        before = books(shop)
        again = await credit(shop, operator, **body)
        assert (again.json(), again.headers["idempotent-replayed"]) == (first.json(), "true")
        if wanted != given:
            await refused(
                await credit(shop, operator, **body | {"expiresAt": at(given)}),
                422,
                "idempotency_mismatch",
                shop,
                before,
            )
    ann = buyer(shop)
    entries = (await ann.get("/v1/wallet/entries", limit=5)).json()["items"]
    assert [entry["lots"][0]["expiresAt"] for entry in reversed(entries)] == [at(given) for _, given in asked.values()]
    [balance] = (await ann.get("/v1/wallet")).json()["balances"]
    assert (balance["paid"], balance["bonus"]) == (6480, APART + 25)
    assert len(balance["expiring"]) == APART + 2
    assert differences(shop) == []


async def test_a_wallet_with_many_expiries_pays(shop: Shop, operator: dict[str, str]) -> None:
    await fill(shop)
    await credit(shop, operator, creditId="paid", amount=100)
    stock(shop, "book-1", price=APART + 1)
    paid = await buyer(shop).buy("book-1")
    assert (paid.status_code, paid.json()["balance"]) == (200, 99), paid.text
    assert shop.sql("SELECT lots, remaining FROM wallet") == [(["paid"], [99])]
    assert differences(shop) == []


@pytest.mark.parametrize(
    "changed",
    [
        {"amount": 0},
        {"amount": -1},
        {"amount": 1.5},
        {"amount": "5"},
        {"amount": True},
        {"amount": MAX_AMOUNT + 1},
        {"kind": "free"},
        {"kind": None},
        {"creditId": ""},
        {"creditId": "a b"},
        {"creditId": "a" * 65},
        {"creditId": 1},
        {"reason": ""},
        {"reason": "x" * 201},
        {"reason": "two\nlines"},
        {"currency": "bell"},
        {"expiresAt": "2999-01-01"},
        {"expiresAt": "2999-01-01T00:00:00"},
        {"expiresAt": 9999999999},
        {"expiresAt": "9999-12-31T23:59:59-14:00"},
        {"expiresAt": "9999-12-31T23:59:59Z"},
        {"expiresAt": "3000-01-01T00:00:00Z"},
        {"expiresAt": "2999-12-31T23:59:59-00:01"},
        {"expiresAt": "0001-01-01T00:00:00+14:00"},
        {"expiresAt": "2998-12-31T23:59:60Z"},
        {"custId": "bob"},
        {"createCustomer": 1},
        {"createCustomer": None},
    ],
    ids=lambda changed: str(changed)[:40],
)
async def test_malformed(shared_shop: Shop, shared_operator: dict[str, str], changed: dict[str, Any]) -> None:
    await credit(shared_shop, shared_operator, creditId="before")
    before = books(shared_shop)
    problem = await refused(
        await credit(shared_shop, shared_operator, **changed), 400, "invalid_request", shared_shop, before
    )
    assert next(iter(changed)) in str(problem["errors"])


@pytest.mark.parametrize("expires_at", ["2999-01-01", "2999-01-01T00:00:00", "2998-12-31T23:59:60Z", "soon"])
async def test_a_moment_in_a_body_has_its_zone(
    shared_shop: Shop, shared_operator: dict[str, str], expires_at: str
) -> None:
    before = books(shared_shop)
    problem = await refused(
        await credit(shared_shop, shared_operator, expiresAt=expires_at), 400, "invalid_request", shared_shop, before
    )
    [error] = problem["errors"]
    assert (error["path"], "with its zone" in error["message"]) == ("$.expiresAt", True)


@pytest.mark.parametrize("missing", ["creditId", "amount", "kind", "reason"])
async def test_missing_field(shared_shop: Shop, shared_operator: dict[str, str], missing: str) -> None:
    before = books(shared_shop)
    body = {"creditId": "c-1", "amount": 5, "kind": "paid", "reason": "a gift"}
    del body[missing]
    answer = await shared_shop.http.post("/v1/admin/wallets/ann/credits", json=body, headers=shared_operator)
    problem = await refused(answer, 400, "invalid_request", shared_shop, before)
    assert missing in problem["errors"][0]["message"]


async def test_malformed_customer(shop: Shop, operator: dict[str, str]) -> None:
    before = books(shop)
    for cust_id in ("a%20b", "a" * 129, "%E9%93%83"):
        problem = await refused(await credit(shop, operator, cust_id), 400, "invalid_request", shop, before)
        assert problem["errors"][0]["path"] == "$.custId"
