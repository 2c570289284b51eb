"""`python -m proof.faults.overload.attackers`: one kind of overload on so many connections, for so long and no longer.

The first line of its input is an Attack in JSON. It says `ready`, and begins with the next line; it answers an
Attacked in JSON.
"""

import asyncio
import contextlib
import gc
import sys
import time

import msgspec
import uvloop

from proof.faults.overload.kinds import KINDS, PAUSE_SECONDS, Visit, Visitor
from proof.faults.overload.site import Attack, Attacked

_PATIENCE_SECONDS = 60.0


async def attack(job: Attack) -> Attacked:
    """Carry out the job; it takes longer only while nothing at all has been answered."""
    visitor, visit = Visitor(job.site), KINDS[job.kind].visit
    # Who lets go of a connection in the midst of a handshake's last words is told so: here that is meant.
    asyncio.get_running_loop().set_exception_handler(lambda _, __: None)
    began = time.process_time()
    async with asyncio.TaskGroup() as group:
        visits = [group.create_task(_again_and_again(visitor, visit, number)) for number in range(job.connections)]
        await asyncio.sleep(job.seconds)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(visitor.answered.wait(), _PATIENCE_SECONDS)
        for each in visits:
            each.cancel()
    return Attacked(answers=dict(visitor.answers), cpu_seconds=time.process_time() - began)


async def _again_and_again(visitor: Visitor, visit: Visit, number: int) -> None:
    while True:
        try:
            await visit(visitor, number)
        except OSError as error:
            visitor.saw(f"({type(error).__name__})")
            await asyncio.sleep(PAUSE_SECONDS)


def _main() -> None:
    job = msgspec.json.decode(sys.stdin.buffer.readline(), type=Attack)
    gc.freeze()
    print("ready", flush=True)
    sys.stdin.buffer.readline()
    print(msgspec.json.encode(uvloop.run(attack(job))).decode(), flush=True)


if __name__ == "__main__":
    _main()
