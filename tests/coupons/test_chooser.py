"""The process for costly choices: it decides what would be decided here, and nothing is lost where it cannot."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import psutil
import pytest

from lingdang.coupons.chooser import Choice, Chooser
from lingdang.coupons.goods import Buyer, Good, Voucher, basket_of
from lingdang.coupons.model import Conditions, Definition, Percent
from lingdang.coupons.work import finish
from lingdang.errors import Problem
from support.drawn import a_shop
from support.served import eventually

pytestmark = pytest.mark.slow

NOW = datetime(2026, 11, 29, tzinfo=UTC)


def a_choice(seed: int, count: int = 40) -> Choice:
    order, vouchers = a_shop(count, seed)
    return Choice(order, vouchers, None, {})


@pytest.fixture
async def chooser() -> AsyncIterator[Chooser]:
    chooser = Chooser()
    yield chooser
    await chooser.close()


async def started(chooser: Chooser) -> psutil.Process:
    """The process, once it answers."""
    mine = psutil.Process()
    before = set(mine.children())
    await chooser.start()
    (process,) = set(mine.children()) - before
    return process


async def test_decides_as_it_would_be_decided_here(chooser: Chooser) -> None:
    await started(chooser)
    for seed in range(30):
        choice = a_choice(seed, count=21 + seed)
        assert await chooser.decide(choice) == finish(choice.steps())


async def test_refuses_as_it_would_be_refused_here(chooser: Chooser) -> None:
    await started(chooser)
    order, vouchers = a_shop(21, 1)
    choice = Choice(order, vouchers, tuple([v.voucher_id for v in vouchers]), {})
    with pytest.raises(Problem) as here:
        finish(choice.steps())
    with pytest.raises(Problem) as there:
        await chooser.decide(choice)
    assert (there.value.code, there.value.members) == (here.value.code, here.value.members)


async def test_nobody_waits_for_its_start() -> None:
    chooser = Chooser()
    assert await chooser.decide(a_choice(1)) is None
    await chooser.close()


async def test_it_runs_behind_all_others(chooser: Chooser) -> None:
    process = await started(chooser)
    assert process.nice() > psutil.Process().nice()


async def test_killed_it_is_started_again(chooser: Chooser) -> None:
    process = await started(chooser)
    process.suspend()
    asked = [asyncio.create_task(chooser.decide(a_choice(seed))) for seed in range(3)]
    await asyncio.sleep(0)
    process.kill()
    assert await asyncio.gather(*asked) == [None, None, None]
    again = await started(chooser)
    assert again.pid != process.pid


async def test_an_answer_is_never_that_of_another_question(chooser: Chooser) -> None:
    """Whoever asks may go away at any moment."""
    await started(chooser)
    for seed in range(20):
        gone = asyncio.create_task(chooser.decide(a_choice(seed)))
        for _ in range(seed % 5):
            await asyncio.sleep(0)
        gone.cancel()
        choice = a_choice(seed + 100)
        assert await chooser.decide(choice) == finish(choice.steps())


async def test_long_lists_of_products_stay_here(chooser: Chooser) -> None:
    await started(chooser)
    products = frozenset([f"book-{n}" for n in range(10_000)])
    definition = Definition("Voucher", Percent(10), Conditions(products=products))
    vouchers = [Voucher(f"v{n}", f"c{n}", definition, datetime(2027, 1, 1, tzinfo=UTC)) for n in range(3)]
    order = basket_of([Good("book-1", 100)], "BELL", Buyer(), NOW)
    assert await chooser.decide(Choice(order, vouchers[:2], None, {})) is not None
    assert await chooser.decide(Choice(order, vouchers, None, {})) is None


_WORKER = """
import asyncio, psutil
from coupons.test_chooser import Chooser, started

async def main():
    print((await started(Chooser())).pid, flush=True)
    await asyncio.sleep(600)

asyncio.run(main())
"""


def test_it_ends_with_its_worker() -> None:
    path = os.pathsep.join([os.path.dirname(os.path.dirname(__file__)), *sys.path])
    worker = subprocess.Popen(
        [sys.executable, "-c", _WORKER], stdout=subprocess.PIPE, env=os.environ | {"PYTHONPATH": path}
    )
    assert worker.stdout is not None
    process = psutil.Process(int(worker.stdout.readline()))
    worker.send_signal(signal.SIGKILL)
    worker.wait()
    worker.stdout.close()
    eventually(lambda: not process.is_running())
