"""Whoever waits for events when a server is stopped is answered, before the requests that still run are broken off."""

import threading
import time
from pathlib import Path

import httpx
import pytest

from support.feed import FEED
from support.served import run, serving

pytestmark = pytest.mark.slow


def test_whoever_waits_is_answered_at_a_stop(tmp_path: Path) -> None:
    answers: list[httpx.Response] = []
    with serving(tmp_path, "--http", "--workers", "1") as served, served.client() as client:
        made = run(tmp_path, "apikey", "create", "library", "--scope", "events:read")
        headers = {"Authorization": f"Bearer {made.stdout.split()[-1]}"}
        latest = client.get(FEED, params={"after": "latest"}, headers=headers).json()["next"]

        def wait() -> None:
            answers.append(client.get(FEED, params={"after": latest, "wait": 20}, headers=headers))

        waiting = threading.Thread(target=wait)
        waiting.start()
        time.sleep(1)
        assert not answers
        assert served.stop() == 0
        waiting.join()
    [answer] = answers
    assert (answer.status_code, answer.json()) == (200, {"items": [], "next": latest})
