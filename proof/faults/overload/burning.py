"""`python -m proof.faults.overload.burning`: an idle loop that takes a share of a core, for comparison.

The first line of its input is a Burning in JSON. It says `ready`, and begins with the next line; it answers the CPU
seconds that it took. Where others take its core it falls behind, and makes up for it as soon as it can.
"""

import sys
import time

import msgspec

from proof.faults.overload.site import Burning

_REST_SECONDS = 0.002


def burn(job: Burning) -> float:
    """Take so many CPU seconds a second. Answers what was taken in all."""
    began, spent = time.monotonic(), time.process_time()
    while (passed := time.monotonic() - began) < job.seconds:
        if time.process_time() - spent >= passed * job.rate:
            time.sleep(_REST_SECONDS)
    return time.process_time() - spent


if __name__ == "__main__":
    job = msgspec.json.decode(sys.stdin.buffer.readline(), type=Burning)
    print("ready", flush=True)
    sys.stdin.buffer.readline()
    print(burn(job))
