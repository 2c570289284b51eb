"""The background tasks of a server, in a process beside its workers: the system gives it what they leave."""

import os
from functools import partial
from multiprocessing import connection

from lingdang.deployment import deploy
from lingdang.serving import apart
from lingdang.serving.living import follow_parent
from lingdang.serving.logs import configure_logging
from lingdang.serving.metrics import Metrics
from lingdang.serving.settled import Tallies
from lingdang.serving.work import Beat, Work
from lingdang.signals import StopAsked

NICE = 10
"""By so much its priority is lower than the workers'."""
END_SECONDS = 20.0
"""How long it may take to end once the supervisor is gone."""


def run(work: Work, ready: connection.Connection, beat: Beat) -> None:
    """Run the tasks until told to stop. Nobody waits for the word that it sends through `ready`."""
    if hasattr(os, "nice"):
        os.nice(NICE)
    configure_logging(work.settings, "background")
    asked = StopAsked()
    asked.listen()
    follow_parent(partial(setattr, asked, "to_stop", True), END_SECONDS)
    ready.send("ready")
    ready.close()
    metrics = Metrics(work.metrics_directory)
    apart.run(deploy(work.settings, work.database_url), asked, metrics, Tallies(work.settled_directory), beat=beat)
