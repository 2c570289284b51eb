"""The background tasks in a process of their own, which serves nobody: what `lingdang worker` runs."""

import asyncio
import socket
import sys
from contextlib import AsyncExitStack

from lingdang.background import Background, Means
from lingdang.bulkheads import BACKGROUND_CONNECTIONS, purpose_pool, show_pool
from lingdang.db.probe import Probe
from lingdang.deployment import Deployment, settling
from lingdang.serving.metrics import Metrics, measure_process
from lingdang.serving.probes import answering
from lingdang.signals import StopAsked
from lingdang.watch import Watch

_TICK_SECONDS = 0.1
_AT_ONCE_SECONDS = 5.0
"""How long what is broken off may take to end."""


def run(deployment: Deployment, listener: socket.socket | None, asked: StopAsked) -> None:
    """Run the tasks until asked to stop; a second time breaks off what is under way.

    Whoever connects to `listener` is told how they do.
    """
    asked.starting = False
    with asyncio.Runner(loop_factory=_new_loop) as runner:
        runner.run(_until_asked(deployment, listener, asked))


def _new_loop() -> asyncio.AbstractEventLoop:
    if sys.platform == "win32":
        return asyncio.new_event_loop()
    import uvloop

    return uvloop.new_event_loop()


async def _until_asked(deployment: Deployment, listener: socket.socket | None, asked: StopAsked) -> None:
    stop = asyncio.Event()
    work = asyncio.create_task(_work(deployment, listener, stop))
    while not (work.done() or asked.at_once):
        await asyncio.wait({work}, timeout=_TICK_SECONDS)
        if asked.to_stop:
            stop.set()
    if work.done():
        work.result()
        return
    work.cancel()
    await asyncio.wait({work}, timeout=_AT_ONCE_SECONDS)


async def _work(deployment: Deployment, listener: socket.socket | None, stop: asyncio.Event) -> None:
    settings, url = deployment.settings, deployment.database_url
    metrics = Metrics()
    watch = Watch(batch=metrics.batch, database=metrics.database, gauge=metrics.gauge, scrape=metrics.render)
    measure_process(metrics, watch.worker)
    async with AsyncExitStack() as stack:
        pool = purpose_pool("background", url, BACKGROUND_CONNECTIONS, settings.pgbouncer)
        show_pool(await stack.enter_async_context(pool), watch)
        settlement = await stack.enter_async_context(settling(deployment, watch))
        background = Background(Means(deployment, pool, settlement))
        background.show(watch)
        if listener is not None:
            probe = Probe(url, settings.pgbouncer)
            stack.push_async_callback(probe.close)
            await stack.enter_async_context(answering(listener, probe, watch, deployment.clock))
        await stack.enter_async_context(background.running())
        await stop.wait()
