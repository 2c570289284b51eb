"""What the guides show does what they say: their commands and programs are run as they stand."""

import asyncio
import os
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from urllib.parse import urlencode

import httpx
import pytest
from playwright.async_api import expect

from browser.chromium import MISSING, chromium
from lingdang.keys import Keyring
from support.buyer import books, buyer, give, stock
from support.pages import ROOT, text_of
from support.people import PASSWORD, api_key, register
from support.served import serving
from support.shop import PATIENCE, Shop, open_shop
from tools.node import ENVIRON, fetch

pytestmark = pytest.mark.slow

EXPRESS = "express@5.3.0"
SHELL = re.compile(r"^```sh\n(.*?)^```", re.MULTILINE | re.DOTALL)
BLOCK = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)


def test_start_in_ten_minutes(tmp_path: Path) -> None:
    """Every block of the page in one shell, beside a server as the page starts it."""
    with serving(tmp_path / "shop", "--http") as served:
        script = "set -euo pipefail\n" + "\n".join(SHELL.findall(text_of("docs/start.md")))
        environ = {**os.environ, "PWD": str(tmp_path), "SHOP_URL": served.url, "PATH": _path()}
        ran = subprocess.run(
            ["bash", "-c", script.replace("LINGDANG_DATA_DIR=shop", f"LINGDANG_DATA_DIR={tmp_path / 'shop'}")],
            cwd=tmp_path,
            env=environ,
            capture_output=True,
            text=True,
            timeout=5 * PATIENCE,
            check=False,
        )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "paid 120, 30 are left" in ran.stdout


def _path() -> str:
    return f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"


def test_the_chinese_start_has_the_same_commands() -> None:
    assert BLOCK.findall(text_of("docs/zh/start.md")) == BLOCK.findall(text_of("docs/start.md"))


def _fastapi_app(url: str, key: str, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.setenv("SHOP_URL", url)
    monkeypatch.setenv("SHOP_KEY", key)
    spec = spec_from_file_location("fastapi_example", ROOT / "examples/fastapi/app.py")
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


async def test_fastapi(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    stock(shop, "emma", price=50)
    key = (await api_key(shop, "wallets:credit"))["Authorization"].removeprefix("Bearer ")
    example = _fastapi_app(shop.url, key, monkeypatch)
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app=example.app), base_url="http://platform"
    ) as platform:
        await _a_platform_sells_and_serves(shop, platform)
    await example.shop.aclose()


@asynccontextmanager
async def _express(folder: Path, **environ: str) -> AsyncIterator[str]:
    """The example's server with Express beside it; its address."""
    (folder / "app.mjs").write_bytes((ROOT / "examples/express/app.mjs").read_bytes())
    if not fetch(folder, EXPRESS):
        pytest.skip(f"npm cannot fetch {EXPRESS}")
    process = await asyncio.create_subprocess_exec(
        *("node", "app.mjs"), cwd=folder, env={**ENVIRON, **environ, "PORT": "0"}, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    try:
        yield (await process.stdout.readline()).decode().strip()
    finally:
        process.terminate()
        await process.wait()


async def test_express(shop: Shop, tmp_path: Path) -> None:
    stock(shop, "emma", price=50)
    key = (await api_key(shop, "wallets:credit"))["Authorization"].removeprefix("Bearer ")
    async with (
        _express(tmp_path, SHOP_URL=shop.url, SHOP_KEY=key) as url,
        httpx.AsyncClient(base_url=url, timeout=PATIENCE) as platform,
    ):
        await _a_platform_sells_and_serves(shop, platform)


@contextmanager
def _site(folder: Path) -> Iterator[str]:
    """The example's page on an origin of its own, the client beside it as npm would put it there."""
    shutil.copytree(ROOT / "examples/page", folder, dirs_exist_ok=True)
    shutil.copytree(ROOT / "sdk/javascript/src", folder / "node_modules/lingdang/src")
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    thread.join()
    server.server_close()


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Nothing of a test's requests is told."""


@pytest.mark.parametrize(("named", "says"), [(True, "Paid 50, 50 are left."), (False, "connection_lost")])
async def test_a_page_on_another_origin(
    database_url: str, keyring: Keyring, tmp_path: Path, named: bool, says: str
) -> None:
    with _site(tmp_path) as origin:
        async with (
            open_shop(database_url, keyring, cors_origins=(origin,) if named else ()) as shop,
            chromium() as browser,
        ):
            if browser is None:
                pytest.skip(MISSING)
            stock(shop, "emma", price=50)
            await give(shop, "ann", 100)
            await register(shop, "ann")
            before = books(shop)
            page = await browser.new_page()
            await page.goto(f"{origin}/?{urlencode({'shop': shop.url, 'custId': 'ann', 'password': PASSWORD})}")
            await page.click("#buy")
            await expect(page.locator("#said")).to_contain_text(says, timeout=1000 * PATIENCE)
            assert (books(shop) == before) is not named


async def _a_platform_sells_and_serves(shop: Shop, platform: httpx.AsyncClient) -> None:
    """What the examples' servers do, whatever they are written in."""
    await give(shop, "ann", 10)
    ann = buyer(shop)
    refused = await platform.get("/texts/emma", headers=ann.headers)
    assert (refused.status_code, "not_entitled" in refused.text) == (403, True)
    for _ in range(2):
        sold = await platform.post("/customers/ann/bells", json={"payment_id": "p-1", "paymentId": "p-1", "bells": 90})
        assert (sold.status_code, sold.json()) == (200, {"balance": 100})
    assert (await ann.buy("emma")).status_code == 200
    text = await platform.get("/texts/emma", headers=ann.headers)
    assert (text.status_code, "The text of emma" in text.text) == (200, True)
    assert (await platform.get("/texts/emma")).status_code == 401
