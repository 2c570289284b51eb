"""The background tasks in a process of their own, which serves nobody: a server's own, or `lingdang worker`."""

import asyncio
import socket
import sys
from contextlib import AsyncExitStack
from typing import NamedTuple

from lingdang.background import Background, Means
from lingdang.bulkheads import BACKGROUND_CONNECTIONS, purpose_pool, show_pool
from lingdang.db.probe import Probe
from lingdang.deployment import Deployment, make_topups, settling
from lingdang.ledger.settled import ReadSettled
from lingdang.serving.living import publish, show_life
from lingdang.serving.metrics import Metrics, measure_process
from lingdang.serving.probes import answering
from lingdang.serving.work import Beat
from lingdang.signals import StopAsked
from lingdang.watch import Watch

_TICK_SECONDS = 0.1
_AT_ONCE_SECONDS = 5.0
"""How long what is broken off may take to end."""


def run(
    deployment: Deployment,
    asked: StopAsked,
    metrics: Metrics,
    settled: ReadSettled,
    *,
    listener: socket.socket | None = None,
    beat: Beat | None = None,
) -> None:
    """Run the tasks until asked to stop; a second time breaks off what is under way.

    They give way to what is `settled`. Whoever connects to `listener` is told how they do; by `beat` a supervisor sees
    that they go on.
    """
    asked.starting = False
    process = _Process(deployment, metrics, settled, listener, beat)
    with asyncio.Runner(loop_factory=_new_loop) as runner:
        runner.run(_until_asked(process, asked))


class _Process(NamedTuple):
    deployment: Deployment
    metrics: Metrics
    settled: ReadSettled
    listener: socket.socket | None
    beat: Beat | None


def _new_loop() -> asyncio.AbstractEventLoop:
    if sys.platform == "win32":
        return asyncio.new_event_loop()
    import uvloop

    return uvloop.new_event_loop()


async def _until_asked(process: _Process, asked: StopAsked) -> None:
    stop = asyncio.Event()
    work = asyncio.create_task(_work(process, stop))
    while not (work.done() or asked.at_once):
        await asyncio.wait({work}, timeout=_TICK_SECONDS)
        if asked.to_stop:
            stop.set()
    if work.done():
        work.result()
        return
    work.cancel()
    await asyncio.wait({work}, timeout=_AT_ONCE_SECONDS)


async def _work(process: _Process, stop: asyncio.Event) -> None:
    deployment, metrics = process.deployment, process.metrics
    settings, url = deployment.settings, deployment.database_url
    watch = Watch(
        batch=metrics.batch, database=metrics.database, gauge=metrics.gauge, scrape=metrics.render, worker="background"
    )
    measure_process(metrics, watch.worker)
    async with AsyncExitStack() as stack:
        pool = purpose_pool("background", url, BACKGROUND_CONNECTIONS, settings.pgbouncer)
        show_pool(await stack.enter_async_context(pool), watch)
        settlement = await stack.enter_async_context(settling(deployment, watch))
        topups = make_topups(deployment, pool, settlement)
        stack.push_async_callback(topups.close)
        background = Background(Means(deployment, pool, settlement, topups, process.settled))
        background.show(watch)
        if process.listener is not None:
            probe = Probe(url, settings.pgbouncer)
            stack.push_async_callback(probe.close)
            await stack.enter_async_context(answering(process.listener, probe, watch, deployment.clock))
        await stack.enter_async_context(background.running())
        if process.beat is not None:
            for telling in (publish(metrics), show_life(process.beat)):
                stack.callback(asyncio.create_task(telling).cancel)
        await stop.wait()
