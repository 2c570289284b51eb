"""Costly choices of vouchers in a process of their own, behind all others: they take what buyers leave of the CPU.

There is one for each worker, from the first costly choice on. It ends with its worker, as its input does. Both ways go
frames of MessagePack, each after its length in four bytes: a Choice there; back its Decision, or why it is refused.
"""

import asyncio
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import msgspec
import structlog

from lingdang.coupons.deciding import Decision, deciding
from lingdang.coupons.goods import Basket, Voucher
from lingdang.coupons.reasons import Reason
from lingdang.coupons.work import Steps, Work
from lingdang.errors import Problem

LENGTH_BYTES = 4
_MOST_LISTED = 20_000
"""Products and labels in the conditions of what is sent: some 1 ms."""
_COMMAND = ("-P", "-m", "lingdang.coupons.chooser_process")

_log = structlog.get_logger(__name__)


class Choice(msgspec.Struct, frozen=True):
    """What `deciding` is asked."""

    basket: Basket
    vouchers: Sequence[Voucher]
    named: Collection[str] | None
    gone: Mapping[str, Reason]

    def steps(self) -> Steps[Decision]:
        """The choice in steps, each of a slice at most. Raises Problem `voucher_unusable`."""
        return deciding(self.basket, self.vouchers, self.named, self.gone, Work())

    @property
    def is_light(self) -> bool:
        """It can be sent in less time than a slice takes: its coupons do not list thousands of products."""
        return sum([voucher.definition.conditions.listed for voucher in self.vouchers]) <= _MOST_LISTED


class Refused(msgspec.Struct, frozen=True, tag=True):
    """The Problem that a choice raised, as it goes from one process to the other."""

    code: str
    members: dict[str, Any]


class Decided(msgspec.Struct, frozen=True, tag=True):
    """What a choice came to."""

    decision: Decision


Answer = Decided | Refused

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Answer).decode


class Chooser:
    """The process, as its worker sees it. It is started when it is first needed, and again after it has ended."""

    def __init__(self) -> None:
        self._process: Process | None = None
        self._starting: asyncio.Task[None] | None = None
        self._lock = asyncio.Lock()
        self._exchanges: set[asyncio.Task[Answer]] = set()

    async def decide(self, choice: Choice) -> Decision | None:
        """As its steps do. Raises Problem `voucher_unusable`.

        None where the process cannot be asked: it is being started, has ended, or would be sent too much.
        """
        if not choice.is_light:
            return None
        process = self._process
        if process is None:
            self._begin()
            return None
        # Whoever waits may go away: the answer is read all the same, so that the next one is the next question's.
        exchange = asyncio.create_task(self._exchange(process, _encode(choice)))
        self._exchanges.add(exchange)
        exchange.add_done_callback(self._forget)
        try:
            answer = await asyncio.shield(exchange)
        except (OSError, EOFError):
            return None
        if isinstance(answer, Refused):
            raise Problem(answer.code, **answer.members)
        return answer.decision

    async def start(self) -> None:
        """Return when the process can be asked, or when it could not be started."""
        await self._begin()

    async def close(self) -> None:
        """End the process. Choices that it has not answered are decided where they are asked."""
        if self._starting is not None:
            await self._starting
        if self._process is not None:
            self._process.kill()
            await self._process.wait()

    def _begin(self) -> "asyncio.Task[None]":
        """The process's start: the one under way, or a new one where there is no process."""
        if self._starting is None or (self._process is None and self._starting.done()):
            self._starting = asyncio.create_task(self._run())
        return self._starting

    async def _run(self) -> None:
        try:
            process = await asyncio.create_subprocess_exec(sys.executable, *_COMMAND, stdin=PIPE, stdout=PIPE)
            await _frame(process)
        except (OSError, EOFError) as error:
            _log.warning("chooser_not_started", reason=str(error))
        else:
            self._process = process

    async def _exchange(self, process: Process, question: bytes) -> Answer:
        assert process.stdin is not None, "it was asked for"
        async with self._lock:
            try:
                process.stdin.write(len(question).to_bytes(LENGTH_BYTES) + question)
                await process.stdin.drain()
                answer: Answer = _decode(await _frame(process))
            except (OSError, EOFError):
                if self._process is process:
                    self._process = None
                    _log.warning("chooser_ended", exit_status=await process.wait())
                raise
        return answer

    def _forget(self, exchange: "asyncio.Task[Answer]") -> None:
        self._exchanges.discard(exchange)
        if not exchange.cancelled():
            exchange.exception()  # whoever waits is told; nobody may wait any more


async def _frame(process: Process) -> bytes:
    """What it says next. Raises EOFError when it has ended."""
    assert process.stdout is not None, "it was asked for"
    length = int.from_bytes(await process.stdout.readexactly(LENGTH_BYTES))
    return await process.stdout.readexactly(length)
