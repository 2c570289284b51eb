"""The supervisor: keeps the workers and the embedded database running, and stops them in order."""

import socket
import time
from collections.abc import Callable
from multiprocessing import connection, get_context
from multiprocessing.context import SpawnProcess

import msgspec
import structlog

from lingdang.db.embedded import EmbeddedError, EmbeddedServer
from lingdang.errors import CommandError
from lingdang.serving.work import Beat, Work
from lingdang.signals import StopAsked, ignore

_TICK_SECONDS = 0.2
_START_SECONDS = 60.0
_STOP_SECONDS = 60.0
_LONGEST_PAUSE_SECONDS = 10.0
_STEADY_SECONDS = 5.0
"""A worker that ran for longer is replaced at once; who ends sooner is started less and less often."""
_SILENT_SECONDS = 10.0
"""A worker whose event loop has not run for so long is replaced: its connections would wait for ever."""

_log = structlog.get_logger(__name__)
_spawn = get_context("spawn")


class _Slot:
    """One process's place: what it runs, and when a crashed one may be replaced. `target` is called with `args`, the
    pipe through which it says that it is ready, and its beat."""

    def __init__(self, name: str, target: Callable[..., None], *args: object) -> None:
        self._name = name
        self._target = target
        self._args = args
        self._pause = 0.0
        self._not_before = 0.0
        self.start()

    def start(self) -> None:
        ours, theirs = _spawn.Pipe(duplex=False)
        self.ready = ours
        self._beat = _spawn.RawValue("d", 0.0)
        self.process: SpawnProcess = _spawn.Process(
            target=self._target, args=(*self._args, theirs, self._beat), name=f"lingdang-{self._name}"
        )
        self.process.start()
        self._started = self._looked = time.monotonic()
        self._silent, self._last_beat = 0.0, 0.0
        theirs.close()

    def await_ready(self, seconds: float) -> bool:
        """Whether the worker answers requests before the time is over or it has ended."""
        try:
            return bool(self.ready.poll(seconds) and self.ready.recv())
        except EOFError:
            return False

    def end_silent(self, *, starting: bool = True) -> None:
        """Kill the worker when its event loop does not run, or did not begin to within the time for a start.

        Without `starting`, one that has not begun gets no more time than one that has.
        """
        now, beat = time.monotonic(), self._beat.value
        # The supervisor may have been stopped as well: of that time it knows nothing.
        self._silent = self._silent + min(now - self._looked, 1.0) if beat == self._last_beat else 0.0
        self._looked, self._last_beat = now, beat
        patience = _START_SECONDS if starting and not beat else _SILENT_SECONDS
        if self.process.is_alive() and self._silent > patience:
            _log.error("worker_silent", worker=self._name, seconds=round(self._silent, 1))
            self.process.kill()
            self._silent = 0.0

    def replace_ended(self) -> None:
        """Start the worker again when it has ended; one that ends at once is started less and less often."""
        if self.process.is_alive():
            return
        now = time.monotonic()
        if self._not_before == 0.0:
            lasted = now - self._started
            self._pause = 0.0 if lasted > _STEADY_SECONDS else min(max(0.2, self._pause * 2), _LONGEST_PAUSE_SECONDS)
            self._not_before = now + self._pause
            _log.error("worker_ended", worker=self._name, exit_code=self.process.exitcode)
        if now >= self._not_before:
            self._not_before = 0.0
            self.start()


class Supervisor:
    """Runs the workers until it is asked to stop. `database` is the embedded one, if it is used.

    `beside` is what a process beside them is given, which runs the background tasks; None: it is left to others.
    """

    def __init__(
        self,
        works: list[Work],
        listeners: list[socket.socket],
        database: EmbeddedServer | None,
        asked: StopAsked,
        beside: Work | None = None,
    ) -> None:
        self._beside = beside
        self._works = works
        self._listeners = listeners
        self._database = database
        self._asked = asked
        self._database_pause = 0.0
        self._database_not_before = 0.0

    def run(self, announce: Callable[[], None]) -> None:
        """Serve. `announce` is called once all workers answer. Raises CommandError when one does not start."""
        self._asked.starting = False
        if self._asked.to_stop:
            return
        workers = [
            _Slot(str(work.number), _run_worker, work, listener)
            for work, listener in zip(self._works, self._listeners, strict=True)
        ]
        slots = workers if self._beside is None else [*workers, _Slot("background", _run_beside, self._beside)]
        try:
            if self._all_ready(workers):
                announce()
            while not self._asked.to_stop:
                _await_end(slots)
                self._keep_database()
                for slot in slots:
                    slot.end_silent()
                    slot.replace_ended()
        finally:
            self._stop(slots)

    def _all_ready(self, slots: list[_Slot]) -> bool:
        deadline = time.monotonic() + _START_SECONDS
        for slot in slots:
            while not slot.await_ready(_TICK_SECONDS):
                if self._asked.to_stop:
                    return False
                if not slot.process.is_alive() or time.monotonic() > deadline:
                    raise CommandError("a worker did not start; the lines above say why")
        return True

    def _keep_database(self) -> None:
        """Start the database again when it has ended; the workers find it again by themselves."""
        if self._database is None or self._database.is_running() or time.monotonic() < self._database_not_before:
            return
        _log.error("database_ended")
        try:
            self._database.start()
        except EmbeddedError as error:
            self._database_pause = min(max(0.5, self._database_pause * 2), _LONGEST_PAUSE_SECONDS)
            self._database_not_before = time.monotonic() + self._database_pause
            _log.error("database_not_started", reason=str(error))
        else:
            self._database_pause = 0.0
            _log.warning("database_started_again")

    def _stop(self, slots: list[_Slot]) -> None:
        """Let the workers finish what they have accepted. A second signal ends them at once."""
        for listener in self._listeners:
            listener.close()
        for slot in slots:
            slot.process.terminate()
        deadline = time.monotonic() + _STOP_SECONDS
        while any(slot.process.is_alive() for slot in slots):
            if self._asked.at_once or time.monotonic() > deadline:
                for slot in slots:
                    slot.process.kill()
            for slot in slots:
                slot.end_silent(starting=False)
            _await_end(slots)


def _await_end(slots: list[_Slot]) -> None:
    """Wait a tick, or until a worker ends."""
    running = [slot.process.sentinel for slot in slots if slot.process.is_alive()]
    if running:
        connection.wait(running, _TICK_SECONDS)
    else:
        time.sleep(_TICK_SECONDS)


def _run_worker(work: Work, listener: socket.socket, ready: connection.Connection, beat: Beat) -> None:
    ignore()  # the supervisor answers what a terminal sends to all of its processes
    from lingdang.serving.worker import run  # the application is loaded by the workers alone

    run(work, listener, ready, beat)


def _run_beside(work: Work, ready: connection.Connection, beat: Beat) -> None:
    ignore()
    from lingdang.serving.beside import run

    run(work, ready, beat)


def works(first: Work, count: int) -> list[Work]:
    """The same work for `count` workers, numbered from 1."""
    return [msgspec.structs.replace(first, number=number) for number in range(1, count + 1)]
