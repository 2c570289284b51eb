"""Cores are kept at work, and left alone while something is measured."""

import os
import time

import psutil

from proof.bench.awake import Awake


def spent(processes: list[psutil.Process]) -> float:
    return sum(sum(process.cpu_times()[:2]) for process in processes)


def test_they_work_but_in_a_pause() -> None:
    before = {child.pid for child in psutil.Process().children()}
    with Awake() as awake:
        workers = [child for child in psutil.Process().children() if child.pid not in before]
        assert len(workers) == os.cpu_count()
        while spent(workers) < 0.2:
            time.sleep(0.05)
        with awake.paused():
            while {worker.status() for worker in workers} != {psutil.STATUS_STOPPED}:
                time.sleep(0.01)
            begun = spent(workers)
            time.sleep(0.3)
            assert spent(workers) == begun
        while spent(workers) < begun + 0.1:
            time.sleep(0.05)
        assert {worker.nice() for worker in workers} == {19}
    assert not any(worker.is_running() for worker in workers)
