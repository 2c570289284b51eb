"""Keys are rotated and retired while two workers serve: nobody is refused who should not be."""

import time
from pathlib import Path

import httpx
import pytest

from lingdang.clock import system_clock
from lingdang.deployment import Deployment, make_sessions
from lingdang.keys import Keyring
from lingdang.settings import Settings
from support.customers import customer_of
from support.served import Served, eventually, run, serving
from support.shop import PATIENCE


def _session(served: Served) -> dict[str, str]:
    """The headers of a session that the newest key made."""
    keyring = Keyring(served.data_dir / "keyring.json")
    issued = make_sessions(Deployment(Settings(), "", keyring, 1)).issue(
        customer_of("ann"), "MD5", None, system_clock()
    )
    return {"Authorization": f"Bearer {issued.session_token}", "X-Cust-Id": "ann"}


def _statuses(served: Served, headers: dict[str, str]) -> set[int]:
    """What many requests, each on a connection of its own and so to either worker, are answered."""
    return {httpx.get(f"{served.url}/v1/cart", headers=headers, timeout=PATIENCE).status_code for _ in range(12)}


@pytest.mark.slow
def test_rotation_refuses_nobody_and_retirement_ends_the_old(tmp_path: Path) -> None:
    data_dir = tmp_path / "shop"
    with serving(data_dir, "--http", "--workers", "2") as served:
        old = _session(served)
        assert _statuses(served, old) == {200}
        assert run(data_dir, "keys", "rotate").returncode == 0
        new = _session(served)
        assert _statuses(served, new) == {200}
        assert _statuses(served, old) == {200}
        assert run(data_dir, "keys", "retire", "1").returncode == 0
        time.sleep(1)  # running servers look at the file once a second
        eventually(lambda: _statuses(served, old) == {401})
        assert _statuses(served, new) == {200}
