"""What the guides show does what they say: their commands and programs are run as they stand."""

import asyncio
import re
import shutil
import threading
import tomllib
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from importlib.util import module_from_spec, spec_from_file_location
from itertools import pairwise
from pathlib import Path
from types import ModuleType
from urllib.parse import urlencode

import httpx
import msgspec
import psycopg
import pytest
from joserfc.jwk import RSAKey
from playwright.async_api import expect

from browser.chromium import MISSING, chromium
from lingdang.keys import Keyring
from support.buyer import books, buyer, give, stock
from support.guides import follow
from support.pages import ROOT, text_of
from support.people import PASSWORD, api_key, register
from support.platform import open_platform
from support.served import run, serving
from support.shop import PATIENCE, Shop, open_shop
from tools.node import ENVIRON, fetch

pytestmark = pytest.mark.slow

EXPRESS = "express@5.3.0"
TOML = re.compile(r"^```toml\n(.*?)^```", re.MULTILINE | re.DOTALL)
BLOCK = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)


@contextmanager
def _owned(postgres: str) -> Iterator[str]:
    """The role and the database of the page about PostgreSQL; the URL that its owner uses."""
    [made] = re.findall(r"^```sql\n(.*?)^```", text_of("docs/integrate/database.md"), re.MULTILINE | re.DOTALL)
    with psycopg.connect(postgres, autocommit=True) as connection:
        for statement in made.strip().splitlines():
            connection.execute(statement)
        yield re.sub(r"//[^?]*", "//lingdang:secret@/lingdang", postgres, count=1)
        connection.execute("DROP DATABASE lingdang WITH (FORCE)")
        connection.execute("DROP ROLE lingdang")


@contextmanager
def _issuer() -> Iterator[tuple[str, str]]:
    """An identity provider with discovery: its `iss`, which ends with a slash, and a token for `auth0|5f7c`."""
    key = RSAKey.generate_key(2048)
    with open_platform() as platform:
        issuer = f"{platform.url}/"
        platform.publish(key, kid="k")
        found = {"issuer": issuer, "jwks_uri": f"{platform.url}/keys"}
        platform.documents["/.well-known/openid-configuration"] = msgspec.json.encode(found)
        yield issuer, platform.token(key, "RS256", "k", iss=issuer, aud="https://api.shop.example", sub="auth0|5f7c")


def test_integrate_from_its_top(postgres: str, tmp_path: Path) -> None:
    """One file of settings, an own PostgreSQL, a catalogue in Chinese, and a customer of an own identity provider."""
    with _owned(postgres) as database, _issuer() as (issuer, token):
        [told] = TOML.findall(text_of("docs/integrate/index.md"))
        for ours, theirs in (
            ("postgresql://lingdang:secret@127.0.0.1/lingdang", database),
            ("https://tenant.eu.auth0.com/", issuer),
        ):
            assert ours in told
            told = told.replace(ours, theirs)
        [sandbox] = TOML.findall(text_of("docs/integrate/topups.md"))
        config = tmp_path / "shop.toml"
        config.write_text(told + sandbox)
        (tmp_path / "token.txt").write_text(token)
        assert run(tmp_path / "shop", "migrate", config=str(config)).returncode == 0
        with serving(tmp_path / "shop", "--http", fresh=True, config=str(config)) as served:
            assert any("your PostgreSQL" in line for line in served.banner)
            pages = (
                "docs/integrate/catalogue.md",
                "docs/integrate/identity.md",
                "docs/integrate/proxy.md",
                "docs/integrate/topups.md",
            )
            printed = follow(tmp_path, *pages, LINGDANG_CONFIG=str(config), SHOP_URL=served.url)
            [link] = re.findall(r"/files/fusheng.epub\?(token=\S+)", printed)
            assert httpx.get(f"{served.url}/v1/access?productId=fusheng&{link}").status_code == 204
        assert "auth0|5f7c paid 30, 70 are left" in printed
        assert "paid: 250 bells for 2.50 CNY" in printed
        with psycopg.connect(database) as connection:
            prices = connection.execute("SELECT product_id, title, price FROM product ORDER BY 1").fetchall()
    assert prices == [
        ("emma", "Emma", 45),
        ("fusheng", "浮生六记", 30),
        ("sanguo", "三国演义", 60),
        ("shuihu", "水浒传", 70),
    ]


def test_a_first_top_up_by_curl(tmp_path: Path) -> None:
    """From a package to the bells, as the page about top-ups shows it."""
    shop = tmp_path / "shop"
    with serving(shop, "--http", sandbox="true") as served:
        printed = follow(tmp_path, "docs/topups.md", LINGDANG_DATA_DIR=str(shop), SHOP_URL=served.url)
    told = [msgspec.json.decode(line) for line in printed.splitlines() if line.startswith("{")]
    [(topup, wallet)] = [pair for pair in pairwise(told) if "balances" in pair[1]]
    assert (topup["status"], topup["paid"], topup["bonus"]) == ("paid", 600, 30)
    assert [each["balance"] for each in wallet["balances"]] == [630]
    assert "  differs: amount\n" in printed
    assert "\n  decided    accepted\n" in printed
    assert "\nmy-first-refund  done  3.00 CNY" in printed
    assert "  partly_refunded " in printed


@pytest.mark.parametrize("page", ["database", "identity", "page", "proxy"])
def test_a_pages_settings_are_those_of_the_one_file(page: str) -> None:
    [one] = TOML.findall(text_of("docs/integrate/index.md"))
    [some] = TOML.findall(text_of(f"docs/integrate/{page}.md"))
    assert tomllib.loads(some).items() <= tomllib.loads(one).items()


def test_the_chinese_pages_have_the_same_commands() -> None:
    for page in ("start", "topups", "topups-providers"):
        assert BLOCK.findall(text_of(f"docs/zh/{page}.md")) == BLOCK.findall(text_of(f"docs/{page}.md")), page
    chinese = text_of("docs/zh/integrate.md")
    assert tomllib.loads(TOML.findall(chinese)[0]) == tomllib.loads(TOML.findall(text_of("docs/integrate/index.md"))[0])
    for page in ("install", "database", "catalogue", "identity", "page", "proxy", "topups"):
        blocks = [block for block in BLOCK.findall(text_of(f"docs/integrate/{page}.md")) if "```toml" not in block]
        assert [block for block in blocks if block not in chinese] == [], page


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
    """Where its origin is named, a customer of an own identity provider buys; a password is as good as its token."""
    with _site(tmp_path) as origin, _issuer() as (issuer, token):
        settings = {"oidc_issuer": issuer, "oidc_audience": "https://api.shop.example"}
        async with (
            open_shop(database_url, keyring, cors_origins=(origin,) if named else (), **settings) as shop,
            chromium() as browser,
        ):
            if browser is None:
                pytest.skip(MISSING)
            stock(shop, "emma", price=50)
            for customer in ("ann", "auth0|5f7c"):
                await give(shop, customer, 100)
            await register(shop, "ann")
            before = books(shop)
            page = await browser.new_page()
            who = {"token": token} if named else {"custId": "ann", "password": PASSWORD}
            await page.goto(f"{origin}/#{urlencode({'shop': shop.url, **who})}")
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
