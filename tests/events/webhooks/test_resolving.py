"""A host is looked up once, and goes nowhere unless every address of it may be gone to."""

import asyncio
import threading
from ipaddress import IPv4Address, ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lingdang.events.webhooks import resolving
from lingdang.events.webhooks.addresses import Address, is_public
from lingdang.events.webhooks.endpoints import MOST_ENDPOINTS
from lingdang.events.webhooks.resolving import RefusedError, Resolver, addresses_of
from support.shop import PATIENCE
from support.tabs import until

ADDRESSES = st.integers(0, 2**32 - 1).map(IPv4Address) | st.ip_addresses()


class Names:
    """A name server that knows one answer, and who asked."""

    def __init__(self, *answer: str) -> None:
        self.answer = list(answer)
        self.asked: list[str] = []

    async def __call__(self, host: str) -> list[str]:
        self.asked.append(host)
        return self.answer


@given(st.lists(ADDRESSES, min_size=1, max_size=5))
async def test_a_name_leads_to_all_its_addresses_in_their_order_or_nowhere(addresses: list[Address]) -> None:
    names = Names(*map(str, addresses))
    if all(map(is_public, addresses)):
        assert await addresses_of("hooks.example", names, is_public) == list(dict.fromkeys(addresses))
    else:
        with pytest.raises(RefusedError) as refused:
            await addresses_of("hooks.example", names, is_public)
        assert str(refused.value) == "hooks.example is at an address where webhooks do not go", "and not at which"
    assert names.asked == ["hooks.example"]


async def test_what_is_asked_of_each_address_is_whether_it_is_allowed() -> None:
    names, asked = Names("10.0.0.1", "10.0.0.2", "10.0.0.1"), list[Address]()

    def allowed(address: Address) -> bool:
        asked.append(address)
        return True

    assert (
        await addresses_of("inside.example", names, allowed)
        == asked
        == [IPv4Address("10.0.0.1"), ip_address("10.0.0.2")]
    )


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "::ffff:10.0.0.1"])
async def test_an_address_is_judged_without_being_looked_up(host: str) -> None:
    names = Names("93.184.215.14")
    with pytest.raises(RefusedError, match="webhooks do not go"):
        await addresses_of(host, names, is_public)
    assert await addresses_of(host, names, lambda _: True) == [ip_address(host)]
    assert names.asked == []


@pytest.mark.parametrize("answer", ["hooks.example", "127.1", "", "fe80::1%eth0"])
async def test_an_answer_that_is_no_plain_address_is_refused(answer: str) -> None:
    with pytest.raises(RefusedError):
        await addresses_of("hooks.example", Names("93.184.215.14", answer), is_public)


async def test_a_name_without_an_address_is_unknown() -> None:
    with pytest.raises(OSError, match="no address"):
        await addresses_of("hooks.example", Names(), is_public)


async def test_the_systems_resolver_knows_this_machine_until_it_is_closed() -> None:
    resolver = Resolver()
    assert set(await resolver("localhost")) <= {"127.0.0.1", "::1"}
    assert await resolver("127.0.0.1") == ["127.0.0.1"]
    resolver.close()
    with pytest.raises(RuntimeError):
        await resolver("localhost")


async def test_a_host_takes_one_thread_however_many_ask(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its name server is silent; another host is looked up meanwhile, and who gave up takes nothing from the rest."""
    asked, speaks = list[str](), threading.Event()

    def look_up(host: str) -> list[str]:
        asked.append(host)
        assert host != "silent.example" or speaks.wait(PATIENCE)
        return ["93.184.215.14"]

    monkeypatch.setattr(resolving, "_look_up", look_up)
    resolver = Resolver()
    waiting = [asyncio.create_task(resolver("silent.example")) for _ in range(20)]
    await until(lambda: asked == ["silent.example"])
    assert await resolver("hooks.example") == ["93.184.215.14"]
    waiting.pop().cancel()
    speaks.set()
    assert await asyncio.gather(*waiting) == [["93.184.215.14"]] * 19
    assert asked == ["silent.example", "hooks.example"]
    await resolver("silent.example")
    assert len(asked) == 3, "what was told is not kept"
    resolver.close()


async def test_though_every_other_endpoints_name_server_is_silent_a_name_is_looked_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    speaks = threading.Event()

    def look_up(host: str) -> list[str]:
        assert host == "hooks.example" or speaks.wait(PATIENCE)
        return ["93.184.215.14"]

    monkeypatch.setattr(resolving, "_look_up", look_up)
    resolver = Resolver()
    silent = [asyncio.create_task(resolver(f"silent-{number}.example")) for number in range(MOST_ENDPOINTS - 1)]
    try:
        await asyncio.sleep(0)
        async with asyncio.timeout(PATIENCE / 2):
            assert await resolver("hooks.example") == ["93.184.215.14"]
    finally:
        speaks.set()
        await asyncio.gather(*silent)
        resolver.close()
