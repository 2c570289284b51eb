"""Whatever is written for an address inside: nothing is connected to, at whatever moment."""

from collections.abc import Iterable
from ipaddress import ip_network

import pytest

from lingdang.events.webhooks.addresses import is_public, read_address
from lingdang.events.webhooks.resolving import Resolver
from lingdang.events.webhooks.sending import Rules, Sender
from lingdang.events.webhooks.targets import TargetError, read_target
from proof.webhooks.receiver import receiving, reply

LITERALS = [
    "127.0.0.1",
    "127.1",
    "127.0.1",
    "2130706433",
    "0x7f000001",
    "0X7F000001",
    "0x7f.0x0.0x0.0x1",
    "0x7f.1",
    "0177.0.0.1",
    "017700000001",
    "127.000.000.001",
    "127.0.0.1.",
    "0",
    "0.0.0.0",
    "127.255.255.254",
    "[::1]",
    "[::]",
    "[0:0:0:0:0:0:0:1]",
    "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]",
    "[::127.0.0.1]",
    "[64:ff9b::127.0.0.1]",
    "[64:ff9b::7f00:1]",
    "[64:ff9b:1::7f00:1]",
    "[2002:7f00:1::]",
    "[2001:0:7f00:1::]",
    "[fe80::1]",
    "[fe80::1%lo]",
    "[fe80::1%25lo]",
    "[::1%lo]",
    "[fc00::1]",
    "[fec0::1]",
    "[ff02::1]",
    "10.0.0.1",
    "100.64.0.1",
    "100.100.100.200",
    "168.63.129.16",
    "169.254.169.254",
    "172.16.0.1",
    "192.0.0.192",
    "192.88.99.1",
    "192.168.0.1",
    "198.18.0.1",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
]
NAMES = [
    "localhost",
    "localhost.",
    "LOCALHOST",
    "inside.example",
    "mixed.example",
    "mapped.example",
    "translated.example",
    "metadata.example",
    "link.example",
    "127.0.0.1.example",
    "127。0。0。1",
    "127．0．0．1",
    "①②⑦.⓪.⓪.①",
    "ｌｏｃａｌｈｏｓｔ",
    "lоcalhost",  # with a Cyrillic o
    "127.0.0.1%00.public.example",
    "127.0.0.1%2f.public.example",
]
WHOLE = [
    "https://public.example@127.0.0.1:{port}/",
    "https://public.example:443@127.0.0.1:{port}/",
    "https://127.0.0.1:{port}\\@public.example/",
    "https://127.0.0.1:{port}#@public.example/",
    "https://public.example#@127.0.0.1:{port}/",
    "https:///127.0.0.1:{port}/",
    "https:127.0.0.1:{port}/",
    "https:/127.0.0.1:{port}/",
    "//127.0.0.1:{port}/",
    "\\\\127.0.0.1:{port}\\",
    " https://127.0.0.1:{port}/",
    "https://127.0.0.1:{port}/ HTTP/1.1\r\nHost: public.example",
    "https://127.0.0.1\t:{port}/",
    "https://[127.0.0.1]:{port}/",
    "http://127.0.0.1:{port}/",
    "http://localhost:{port}/",
    "ftp://127.0.0.1:{port}/",
    "gopher://127.0.0.1:{port}/_GET",
    "file:///etc/passwd",
    "https://public.example:22/",
    "https://public.example:99999/",
]
RECORDS = {
    "inside.example": ["10.1.2.3"],
    "mixed.example": ["93.184.215.14", "127.0.0.1"],
    "mapped.example": ["::ffff:127.0.0.1"],
    "translated.example": ["64:ff9b::7f00:1"],
    "metadata.example": ["169.254.169.254"],
    "link.example": ["fe80::1%lo"],
    "127.0.0.1.example": ["127.0.0.1"],
    "public.example": ["93.184.215.14"],
}


async def names(host: str) -> list[str]:
    """An attacker's zone, and for all else the machine's own resolver."""
    return RECORDS[host] if host in RECORDS else await Resolver()(host)


async def is_refused(sender: Sender, url: str) -> bool:
    """Whether an operator is told so; if it were stored all the same, nothing is sent."""
    try:
        target = read_target(url)
    except TargetError:
        return True
    answer = await sender.send(target, {}, b"{}")
    assert (answer.status, answer.accepted) == (None, False)
    try:
        await sender.check(target)
    except TargetError:
        return True
    return False


def urls(port: int) -> Iterable[str]:
    yield from (f"https://{host}:{port}/" for host in (*LITERALS, *NAMES))
    yield from (f"http://{host}:{port}/" for host in LITERALS)
    yield from (text.replace("{port}", str(port)) for text in WHOLE)


async def test_no_form_of_an_inner_address_is_connected_to() -> None:
    async with receiving() as inner:
        sender = Sender(Rules(ports=(443, inner.port)), names)
        tried = list(urls(inner.port))
        assert len(tried) > 100
        assert [url for url in tried if not await is_refused(sender, url)] == []
        await sender.close()
        assert (inner.connections, inner.deliveries) == (0, [])


async def test_a_name_that_leads_inside_after_the_check_is_connected_to_where_it_was_checked() -> None:
    asked: list[str] = []

    async def rebinding(host: str) -> list[str]:
        asked.append(host)
        return ["127.0.0.2"] if len(asked) == 1 else ["127.0.0.1"]

    async with receiving(host="127.0.0.2") as outer, receiving(port=outer.port) as inner:
        sender = Sender(Rules((ip_network("127.0.0.2/32"),), (outer.port,)), rebinding)
        target = read_target(f"http://rebinding.example:{outer.port}/")
        assert (await sender.send(target, {}, b"{}")).accepted
        assert asked == ["rebinding.example"], "what was checked is what was connected to"
        await sender.close()
        later = Sender(Rules((ip_network("127.0.0.2/32"),), (outer.port,)), rebinding)
        answer = await later.send(target, {}, b"{}")
        assert answer.status is None
        assert answer.reason == "rebinding.example is at an address where webhooks do not go"
        await later.close()
        assert (outer.connections, inner.connections) == (1, 0)


async def test_no_redirect_is_followed() -> None:
    async with receiving() as inner, receiving(host="127.0.0.2") as outer:

        async def lead_on(_: object) -> bytes:
            return reply(307, b"", f"Location: {inner.url}")

        outer.answer = lead_on
        sender = Sender(Rules((ip_network("127.0.0.0/8"),), (outer.port, inner.port)))
        answer = await sender.send(read_target(outer.url), {}, b"{}")
        await sender.close()
        assert (answer.status, answer.accepted, inner.connections) == (307, False, 0)


@pytest.mark.parametrize(
    ("text", "public"),
    [
        ("8.8.8.8", True),
        ("93.184.215.14", True),
        ("2606:4700::1111", True),
        ("64:ff9b::808:808", True),
        ("::ffff:8.8.8.8", False),
        ("2002:808:808::", False),
        ("2001:db8::1", False),
        ("3fff::1", False),
        ("5f00::1", False),
        ("100::1", False),
    ],
)
def test_what_is_public(text: str, public: bool) -> None:
    address = read_address(text)
    assert address is not None
    assert is_public(address) == public


async def test_a_port_that_is_not_on_the_list_is_refused() -> None:
    async with receiving() as inner:
        sender = Sender(Rules((ip_network("127.0.0.0/8"),), (443,)))
        target = read_target(inner.url)
        with pytest.raises(TargetError, match="LINGDANG_WEBHOOK_PORTS"):
            await sender.check(target)
        assert (await sender.send(target, {}, b"{}")).status is None
        await sender.close()
        assert inner.connections == 0
