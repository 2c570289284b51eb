"""A yardstick: a fixed piece of work, which says how fast the machine is at the moment.

Other machines share a virtual one's cores: the same work has been seen to take twice the CPU time from one second to
the next. What is measured in µs has to be read beside this.
"""

import time

_STEPS = 100_000
_TIMES = 5


def yardstick() -> float:
    """Seconds of CPU that a loop of the interpreter takes, the mean of some."""
    started = time.process_time()
    for _ in range(_TIMES):
        total = 0
        for number in range(_STEPS):
            total += number
    return (time.process_time() - started) / _TIMES
