"""Endpoints over HTTP: made, shown, changed, tried, given other secrets, and forgotten."""

from collections.abc import AsyncIterator

import pytest

from lingdang.clock import system_clock
from lingdang.keys import Keyring, retire, rotate
from proof.webhooks.receiver import Receiver, receiving
from support.feed import page_of
from support.hooks import Platform, is_signed, platform_of
from support.people import api_key
from support.tabs import until

TABLES = ("endpoint", "lease", "cursor", "held", "secret", "replay")

SENT_ALL = "SELECT position >= (SELECT max(position) FROM transfer) FROM webhook_cursor"


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with receiving() as opened:
        yield opened


@pytest.fixture
async def platform(database_url: str, keyring: Keyring, receiver: Receiver) -> AsyncIterator[Platform]:
    async with platform_of(database_url, keyring, receiver) as opened:
        yield opened


def rows(platform: Platform) -> list[int]:
    """How many rows each table of webhooks has."""
    return [platform.shop.sql(f"SELECT count(*) FROM webhook_{table}")[0][0] for table in TABLES]


def verifies(secret: str, receiver: Receiver) -> bool:
    """Whether the last message is signed by it."""
    return is_signed(secret, receiver.deliveries[-1])


async def test_the_secret_is_told_once_and_the_public_key_always(platform: Platform, receiver: Receiver) -> None:
    first = await platform.ask("PUT", "main", {"url": receiver.url, "types": ["order.paid"]})
    again = await platform.ask("PUT", "main", {"url": receiver.url, "batch": 10})
    shown = await platform.look()
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json()["secret"].startswith("whsec_")
    assert [each["secret"] for each in (again.json(), shown)] == [None, None]
    assert len({each["publicKey"] for each in (first.json(), again.json(), shown)}) == 1
    assert shown["publicKey"].startswith("whpk_")
    assert (shown["types"], shown["batch"], shown["state"]) == (None, 10, "delivering")
    assert rows(platform) == [1, 1, 1, 0, 1, 0]


async def test_what_cannot_be_sent_to_is_refused(platform: Platform, receiver: Receiver) -> None:
    wrong = {
        "url": [
            "https://10.0.0.1/",
            "http://8.8.8.8/",
            "https://user@hooks.example/",
            f"https://localhost:{receiver.port + 1}/",
            "https://169.254.169.254/latest/meta-data/",
        ],
        "types": [["no.such"], []],
        "batch": [0, 101],
        "other": [1],
    }
    for field, values in wrong.items():
        for value in values:
            answer = await platform.ask("PUT", "main", {"url": receiver.url, field: value})
            assert (answer.status_code, answer.json()["code"]) == (400, "invalid_request"), value
            assert field in str(answer.json()["errors"]), value
    assert rows(platform) == [0] * 6
    assert receiver.connections == 0


async def test_a_test_tells_how_it_was_answered(platform: Platform, receiver: Receiver) -> None:
    made = await platform.put(receiver, active=False)
    told = (await platform.ask("POST", "main/test")).json()
    assert (told["status"], told["events"], told["reason"]) == (204, 1, None)
    [event] = receiver.events
    assert (event["type"], event["id"], event["data"]) == ("endpoint.test", told["messageId"], {"endpointId": "main"})
    assert verifies(made["secret"], receiver)


async def test_both_secrets_sign_until_the_overlap_ends(platform: Platform, receiver: Receiver) -> None:
    old = (await platform.put(receiver))["secret"]
    rotated = await platform.ask("POST", "main/secrets", {"overlapSeconds": 3600})
    new = rotated.json()["secret"]
    assert (rotated.status_code, new != old) == (201, True)
    assert (await platform.look())["publicKey"] == rotated.json()["publicKey"]
    await platform.happen("ann")
    await until(lambda: len(receiver.deliveries) == 1)
    assert [verifies(each, receiver) for each in (old, new)] == [True, True]
    platform.hands.forward(3601)
    await platform.ask("POST", "main/test")
    assert [verifies(each, receiver) for each in (old, new)] == [False, True]
    leaked = (await platform.ask("POST", "main/secrets", {"overlapSeconds": 0})).json()["secret"]
    await platform.ask("POST", "main/test")
    assert [verifies(each, receiver) for each in (new, leaked)] == [False, True]


async def test_secrets_outlive_the_version_of_the_keyring_that_sealed_them(
    platform: Platform, receiver: Receiver
) -> None:
    secret = (await platform.put(receiver))["secret"]
    now = system_clock()
    rotate(platform.shop.keyring.path, now, now)
    await until(lambda: platform.shop.sql("SELECT kid FROM webhook_secret") == [("k2",)])
    retire(platform.shop.keyring.path, 1, system_clock())
    await platform.ask("POST", "main/test")
    assert verifies(secret, receiver)


async def test_a_lost_secret_is_told_of_its_endpoint_alone_until_there_is_another_one(
    platform: Platform, receiver: Receiver
) -> None:
    await platform.put(receiver)
    await platform.put(receiver, "other")
    platform.shop.sql("UPDATE webhook_secret SET sealed = set_byte(sealed, 20, 0) WHERE endpoint_id = 'main'")
    platform.shop.sql("UPDATE webhook_secret SET sealed = set_byte(sealed, 21, 0) WHERE endpoint_id = 'main'")
    listed = (await platform.ask("GET", "")).json()["items"]
    assert [(each["endpointId"], each["secretLost"]) for each in listed] == [("main", True), ("other", False)]
    written = await platform.put(receiver)
    assert (written["publicKey"], written["secretLost"]) == (None, True)
    refused = await platform.ask("POST", "main/test")
    assert (refused.status_code, refused.json()["code"]) == (409, "secret_unusable")
    answers = [(await platform.ask("POST", "other/test")).json()["status"] for _ in range(3)]
    assert 204 in answers, "a machine that is busy may connect too slowly once"
    assert receiver.connections == 1
    assert (await platform.ask("POST", "main/secrets")).status_code == 201
    assert (await platform.look())["secretLost"] is False
    assert (await platform.ask("POST", "main/test")).json()["status"] == 204


async def end_of_page(platform: Platform, limit: int) -> str:
    """The `next` of the feed's first page, when all that happened was sent."""
    await until(lambda: platform.shop.sql(SENT_ALL) == [(True,)])
    key = await api_key(platform.shop, "events:read", name=f"reader {limit}")
    page = await page_of(platform.shop, key, limit=limit)
    assert len(page["items"]) == limit
    told: str = page["next"]
    return told


async def test_what_of_the_past_cannot_be_sent_again(platform: Platform, receiver: Receiver) -> None:
    await platform.put(receiver)
    await platform.happen("ann", "ann")
    pages = [await end_of_page(platform, limit) for limit in (1, 2)]
    for field, asked in {
        "types": {"after": pages[0], "types": ["no.such"]},
        "until": {"after": pages[1], "until": pages[0]},
        "after": {"after": "latest"},
    }.items():
        answer = await platform.ask("POST", "main/replay", asked)
        assert (answer.status_code, answer.json()["code"]) == (400, "invalid_request"), asked
        assert field in str(answer.json()["errors"]), asked
    assert rows(platform)[-1] == 0


async def test_the_past_is_sent_again_from_page_to_page(platform: Platform, receiver: Receiver) -> None:
    """Neither is the last event of a page sent that is asked for behind it, nor is that of the last page left out."""
    await platform.put(receiver)
    await platform.happen("ann", "ann", "ann")
    first, second = [await end_of_page(platform, limit) for limit in (1, 2)]
    for asked, sequence in (
        ({"after": first, "until": second}, [2]),
        ({"after": "start", "until": second}, [1, 2]),
        ({"after": "start"}, [1, 2, 3]),
    ):
        before = len(receiver.events)
        assert (await platform.ask("POST", "main/replay", asked)).status_code == 202
        await until(lambda: platform.shop.sql("SELECT 1 FROM webhook_replay") == [])
        assert [event["seq"] for event in receiver.events[before:]] == sequence


async def test_an_endpoint_is_forgotten_with_all_that_is_its_own(platform: Platform, receiver: Receiver) -> None:
    await platform.put(receiver)
    await platform.put(receiver, endpoint_id="second")
    listed = await platform.ask("GET", "")
    assert [each["endpointId"] for each in listed.json()["items"]] == ["main", "second"]
    assert (await platform.ask("DELETE", "main")).status_code == 204
    for method, place in (("GET", "main"), ("DELETE", "main"), ("POST", "main/test"), ("POST", "main/secrets")):
        assert (await platform.ask(method, place)).status_code == 404
    assert rows(platform) == [1, 1, 1, 0, 1, 0]


async def test_another_scope_is_refused(platform: Platform, receiver: Receiver) -> None:
    platform.key = await api_key(platform.shop, "events:read", name="reader")
    for method, place, body in (
        ("GET", "", None),
        ("PUT", "main", {"url": receiver.url}),
        ("DELETE", "main", None),
        ("POST", "main/secrets", None),
        ("POST", "main/replay", {"after": "MDE"}),
    ):
        answer = await platform.ask(method, place, body)
        assert (answer.status_code, answer.json()["code"]) == (403, "scope_missing")
    assert rows(platform) == [0] * 6
