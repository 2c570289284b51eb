"""The feed of a shop elsewhere: read by an API key, patient with a shop that is away, plain about what is refused."""

import asyncio
import subprocess
from pathlib import Path

import msgspec
import pytest

from lingdang.cli.remote_feed import RemoteFeed, secret_of
from lingdang.clock import system_clock
from lingdang.db.pool import Connection
from lingdang.errors import CommandError
from lingdang.events.event import encode
from lingdang.identity.api_keys import create_api_key
from proof.webhooks.receiver import Delivery, receiving, reply
from support.commands import Run
from support.journal import fill
from support.served import COMMAND
from support.shop import PATIENCE, Shop

PAGE = b'{"items":[],"next":"there"}'


async def key_for(shop: Shop, scope: str) -> str:
    async with await Connection.connect(shop.database_url) as connection:
        return await create_api_key(connection, f"test {scope}", (scope,), system_clock())


async def test_pages_are_the_shop_s_own(shop: Shop) -> None:
    await fill(shop.database_url)
    key = await key_for(shop, "events:read")
    async with RemoteFeed(shop.url, key) as feed:
        first = await feed.read(None, None, 2, 0)
        rest = await feed.read(first.next, {"order.paid", "wallet.credited"}, 200, 0)
    told = await shop.http.get("/v1/admin/events", headers={"Authorization": f"Bearer {key}"})
    assert len(first.items) == 2
    assert b"[" + b",".join(map(encode, first.items + rest.items)) + b"]" in told.content


async def test_what_the_shop_refuses_ends_it(shop: Shop) -> None:
    async with RemoteFeed(shop.url, await key_for(shop, "wallets:credit")) as feed:
        with pytest.raises(CommandError, match="403 scope_missing"):
            await feed.read(None, None, 2, 0)
    async with RemoteFeed(shop.url, await key_for(shop, "events:read")) as feed:
        with pytest.raises(CommandError, match="Not a cursor that this server gave"):
            await feed.read("elsewhere", None, 2, 0)


async def test_a_shop_that_is_away_is_asked_again(capsys: pytest.CaptureFixture[str]) -> None:
    answers = iter([reply(503), None, reply(429, b'{"code":"rate_limited","detail":"Later."}'), reply(200, PAGE)])

    async def answer(_: Delivery) -> bytes | None:
        return next(answers)

    async with receiving(answer) as receiver, RemoteFeed(receiver.url.removesuffix("/hooks"), "key", 0) as feed:
        assert (await feed.read(None, None, 2, 0)).next == "there"
    said = capsys.readouterr().err.splitlines()
    assert len(said) == 3
    assert ": 503; asking again" in said[0]
    assert "429 rate_limited: Later.; asking again" in said[2]


async def test_what_is_no_page_ends_it() -> None:
    async def answer(_: Delivery) -> bytes:
        return reply(200, b"<html>")

    async with receiving(answer) as receiver, RemoteFeed(receiver.url, "key") as feed:
        with pytest.raises(CommandError, match="answered no page of events"):
            await feed.read(None, None, 2, 0)


async def test_what_the_shop_says_moves_no_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    said = msgspec.json.encode({"code": "no\x1b[2J", "detail": "see\x07\nbelow", "resume": "r" * 1000})
    answers = iter([reply(503, said), reply(400, said)])

    async def answer(_: Delivery) -> bytes:
        return next(answers)

    async with receiving(answer) as receiver, RemoteFeed(receiver.url.removesuffix("/hooks"), "key", 0) as feed:
        with pytest.raises(CommandError) as refused:
            await feed.read(None, None, 2, 0)
    for told in (str(refused.value), capsys.readouterr().err.removesuffix("\n")):
        assert "see  below" in told
        assert told.isprintable()
    assert "r" * 1000 in str(refused.value), "a position is shown whole"


@pytest.mark.parametrize(
    "url", ["http://[::1", "shop.example", "http://shop.example", "http://10.0.0.1:8080", "http://"]
)
def test_what_no_key_is_sent_to(url: str) -> None:
    with pytest.raises(CommandError, match="https"):
        RemoteFeed(url, "key")


@pytest.mark.parametrize(
    "url", ["http://localhost:8080", "http://127.0.0.1", "http://[::1]:80", "https://shop.example"]
)
async def test_where_a_key_may_be_sent(url: str) -> None:
    async with RemoteFeed(url, "key"):
        pass


def test_each_key_has_a_secret_of_its_own() -> None:
    assert secret_of("a").secret == secret_of("a").secret != secret_of("b").secret


@pytest.mark.slow
def test_the_command_says_what_is_missing(lingdang: Run, tmp_path: Path) -> None:
    key_file = tmp_path / "key"
    key_file.write_text("ein Schlüssel\n", encoding="utf-8")
    for args, why in (
        (("--shop", "https://shop.example"), "go together"),
        (("--shop", "https://shop.example", "--key-file", str(key_file)), "holds no API key"),
    ):
        refused = lingdang("events", "tail", *args)
        assert (refused.exit_code, why in refused.stderr) == (1, True), refused.output
    key_file.write_text("ld_1_2\n")
    refused = lingdang("events", "tail", "--shop", "shop.example", "--key-file", str(key_file))
    assert (refused.exit_code, "https://shop.example" in refused.stderr) == (1, True), refused.output


@pytest.mark.slow
async def test_tail_prints_the_events_of_a_shop_elsewhere(shop: Shop, tmp_path: Path) -> None:
    await fill(shop.database_url)
    key_file = tmp_path / "key"
    key_file.write_text(await key_for(shop, "events:read"))
    command = [*COMMAND, "events", "tail", "--shop", shop.url, "--key-file", str(key_file)]
    told = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True, timeout=PATIENCE)
    assert (told.returncode, told.stdout.count("wallet.credited"), told.stdout.count("order.paid")) == (0, 4, 2)
    assert told.stderr.startswith("next: ")
