"""Passwords: so many at once, the same price whether there is one or not, and older hashes renewed."""

import asyncio
import threading

import pytest

from lingdang.errors import Problem
from lingdang.identity.passwords import THREADS, Passwords, Verdict
from support.people import open_session, register
from support.shop import Shop


async def test_a_full_queue_of_passwords_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    passwords = Passwords(waiting=1)
    room = THREADS + 1
    gate = threading.Event()
    with monkeypatch.context() as held:
        held.setattr(passwords, "_verify", lambda *_: Verdict(gate.wait(60)))
        tasks = [asyncio.create_task(passwords.verify("x", None)) for _ in range(8)]
        await asyncio.sleep(0)  # each task comes as far as it can
        refused = [p for task in tasks if task.done() and isinstance(p := task.exception(), Problem)]
        gate.set()
        await asyncio.gather(*tasks, return_exceptions=True)
    assert len(refused) == 8 - room
    assert {(p.code, p.headers["Retry-After"]) for p in refused} == {("overloaded", "1")}
    assert not (await passwords.verify("x", None)).right, "there is room again"
    passwords.close()


async def test_a_hash_of_older_parameters_is_renewed(shop: Shop) -> None:
    await register(shop, "ann")  # with cheap parameters
    old = shop.sql("SELECT password_hash, password_changed_at FROM customer")[0]
    assert (await open_session(shop)).status_code == 201
    new = shop.sql("SELECT password_hash, password_changed_at FROM customer")[0]
    assert "m=8," in old[0]
    assert new[0].startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert new[1] == old[1]
    assert (await open_session(shop)).status_code == 201
    assert shop.sql("SELECT password_hash FROM customer") == [(new[0],)]
