"""The stand-in as a process has it: desks at one address, payers through a door, notifications by a plan."""

import time
from collections import Counter
from collections.abc import Callable

import httpx
import msgspec
import pytest
from click.testing import CliRunner

from lingdang.clock import system_clock
from lingdang.ids import uuid7
from lingdang.topup.providers import alipay, apple, google, stripe, wechat
from lingdang.topup.providers.provider import Forged, Provider
from proof.standin.__main__ import main
from proof.standin.desk import Message
from proof.standin.faults import Chance, Faults
from proof.standin.sending import faulty, journeys
from proof.standin.standin import Standin
from proof.standin.stripe import StripeDesk
from proof.standin.web import Answer, Request, serving
from support.providers import order

MODULES = {"stripe": stripe, "wechat": wechat, "alipay": alipay, "apple": apple, "google": google}


class _Shop:
    """Reads what arrives, and answers as the provider wants it."""

    def __init__(self) -> None:
        self.providers: dict[str, Provider] = {}
        self.sound: list[str] = []
        self.forged: list[str] = []

    def take(self, request: Request) -> Answer:
        """One notification, at `/<account>`."""
        provider = self.providers[request.path[1:]]
        try:
            notification = provider.read(request.headers, request.body, system_clock())
        except Forged as forged:
            self.forged.append(forged.reason)
            return Answer(400)
        self.sound.append(notification.id)
        reply = provider.reply(True)
        return Answer(reply.status, reply.body)


def _wait(until: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not until():
        assert time.monotonic() < deadline, "nothing came"
        time.sleep(0.02)


def _providers(standin: Standin) -> dict[str, Provider]:
    accounts = httpx.get(f"{standin.address}/accounts").json()
    made = {}
    for name, given in accounts.items():
        module = MODULES[given.pop("kind")]
        made[name] = module.make(msgspec.convert(given, module.Account))  # type: ignore[attr-defined]
    return made


def test_a_payment_at_each_desk_arrives_and_is_believed() -> None:
    shop = _Shop()
    with serving({"notify": shop.take}) as at:
        endpoints = {name: f"{at}/notify/{name}" for name in MODULES}
        with Standin(Faults(), endpoints).serving() as standin:
            shop.providers = _providers(standin)
            for name, provider in shop.providers.items():
                wanted = msgspec.structs.replace(
                    order(topup_id=uuid7()), notify_url=endpoints[name], expires_at=system_clock().replace(year=2040)
                )
                url = provider.begin(wanted).action.url
                if name == "alipay":
                    standin.play({"provider": name, "do": "open", "url": url})
                play = {"provider": name, "do": "pay", "number": wanted.topup_id.hex}
                assert httpx.post(f"{standin.address}/control", json=play).status_code == 204
            _wait(lambda: len(standin.sender.accepted) == len(MODULES))
    assert len(set(shop.sound)) == len(MODULES)
    assert shop.forged == []


def test_what_cannot_be_played_is_told() -> None:
    with Standin(Faults(), {}).serving() as standin:
        for play in (b"", b"{}", b'{"provider":"stripe","do":"pay","number":"1"}', b'{"provider":"stripe","do":"fly"}'):
            assert httpx.post(f"{standin.address}/control", content=play).status_code == 400


def test_what_nobody_opened_is_told_so() -> None:
    play = {"provider": "alipay", "do": "pay", "number": uuid7().hex}
    with Standin(Faults(), {}).serving() as standin:
        told = httpx.post(f"{standin.address}/control", json=play).json()
    assert told["error"].startswith(f"nothing is known of '{play['number']}': Alipay's page has to be opened first")


def test_a_notification_is_sent_again_until_it_is_accepted() -> None:
    came = []

    def busy(request: Request) -> Answer:
        came.append(request)
        return Answer(200, b"success") if len(came) > 1 else Answer(200, b"fail")

    with serving({"notify": busy}) as at, Standin(Faults(), {}).serving() as standin:
        standin.sender.send(Message("alipay", f"{at}/notify/it", {}, b"x", b"success"))
        _wait(lambda: len(standin.sender.accepted) == 1)
    assert len(came) == 2


def test_somebody_pays_before_a_page_is_closed() -> None:
    with Standin(Faults(paid_at_close=1.0), {}).serving() as standin:
        providers = _providers(standin)
        for name in ("stripe", "wechat"):
            wanted = order(topup_id=uuid7())
            reference = providers[name].begin(wanted).reference
            closed = providers[name].close(wanted.topup_id, reference)
            assert closed is not None
            assert closed.state == "paid"


def _paid() -> tuple[StripeDesk, Message]:
    desk = StripeDesk(endpoint="http://127.0.0.1:9")
    return desk, desk.sell_elsewhere()


@pytest.mark.parametrize(
    ("faults", "least", "most"),
    [(Faults(), 1, 1), (Faults(lost=1.0), 0, 0), (Faults(doubled=1.0), 2, 5), (Faults(forged=1.0), 2, 2)],
)
def test_a_plan_decides_what_arrives(faults: Faults, least: int, most: int) -> None:
    desk, message = _paid()
    chance = Chance(faults)
    counts = Counter(len(journeys(message, desk, chance)) for _ in range(100))
    assert min(counts) == least
    assert max(counts) == most


def test_late_ones_come_late_and_shuffled_ones_in_another_order() -> None:
    desk, message = _paid()
    assert journeys(message, desk, Chance(Faults(late=1.0, late_seconds=3.0)))[0][0] == 3.0
    chance = Chance(Faults(shuffled=1.0))
    delays = [journeys(message, desk, chance)[0][0] for _ in range(9)]
    assert sorted(delays) != delays


def test_a_seed_makes_the_same_plan() -> None:
    def drawn(seed: int) -> list[object]:
        chance = Chance(Faults(seed=seed, wrong=0.5))
        return [chance.wrong() for _ in range(50)]

    assert drawn(7) == drawn(7) != drawn(8)


def test_a_desk_is_unavailable_gone_or_slow_by_the_plan() -> None:
    request = Request("GET", "/", {}, {}, b"")
    for faults, answer in (
        (Faults(), Answer(200)),
        (Faults(unavailable=1.0), Answer(503)),
        (Faults(vanished=1.0), None),
    ):
        assert faulty(lambda _: Answer(200), Chance(faults))(request) == answer
    begun = time.monotonic()
    faulty(lambda _: Answer(200), Chance(Faults(slow=1.0, slow_seconds=0.05)))(request)
    assert time.monotonic() - begun >= 0.05


def test_the_command_tells_its_options() -> None:
    shown = CliRunner().invoke(main, ["--help"]).output
    assert all(option in shown for option in ("--lost", "--late-seconds", "--paid-at-close", "--endpoint", "--seed"))
