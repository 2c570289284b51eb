"""nginx and Caddy with the configurations of examples/proxy: the files of books, for whoever has bought them."""

import os
import shutil
import socket
import ssl
import subprocess
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from lingdang.keys import Keyring
from lingdang.serving.tls import context, local_certificate
from support.buyer import Buyer, buyer, give, stock
from support.people import api_key
from support.refunds import refund
from support.served import eventually
from support.shop import Shop, open_shop

EXAMPLES = Path(__file__).parents[2] / "examples" / "proxy"
BUFFERS = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
"""Of nginx, which would keep them where only root may write."""
BOOK = bytes(range(256)) * 400


def nginx(place: Path, port: int, shop: str) -> list[str]:
    """The example in a whole configuration of its own, with the addresses and folders of this test."""
    example = _with(
        (EXAMPLES / "nginx.conf").read_text(),
        {
            "127.0.0.1:8080": shop,
            "listen 443 ssl": f"listen 127.0.0.1:{port} ssl",
            "/etc/ssl/shop.pem": str(place / "shop.pem"),
            "/etc/ssl/shop.key": str(place / "shop.key"),
            "/var/log/nginx/shop.log": str(place / "shop.log"),
            "/srv/shop": str(place / "srv"),
        },
    )
    user = "user root;\n" if os.geteuid() == 0 else ""
    (place / "nginx.conf").write_text(
        f"{user}daemon off;\npid {place}/pid;\nevents {{}}\nhttp {{\n"
        "types { application/epub+zip epub; }\n"
        + "".join(
            f"{kind}_temp_path {place}/{kind};\n" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        )
        + f"{example}}}\n"
    )
    return [_program("nginx"), "-e", str(place / "error.log"), "-c", str(place / "nginx.conf")]


def caddy(place: Path, port: int, shop: str) -> list[str]:
    """Likewise."""
    served = f"https://127.0.0.1:{port} {{\n\ttls {place}/shop.pem {place}/shop.key"
    example = _with(
        (EXAMPLES / "Caddyfile").read_text(),
        {"127.0.0.1:8080": shop, "shop.example {": served, "/srv/shop": str(place / "srv")},
    )
    (place / "Caddyfile").write_text(f"{{\n\tadmin off\n\tauto_https off\n}}\n{example}")
    return [_program("caddy"), "run", "--config", str(place / "Caddyfile"), "--adapter", "caddyfile"]


def _with(text: str, changed: dict[str, str]) -> str:
    for old, new in changed.items():
        assert old in text, f"the example has {old}"
        text = text.replace(old, new)
    return text


def _program(name: str) -> str:
    found = shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin")
    if found is None:
        pytest.skip(f"{name} is not installed")
    return found


@dataclass
class Proxied:
    """A shop behind a proxy, with a book that Ann has bought."""

    shop: Shop
    http: httpx.AsyncClient
    ann: Buyer
    order_id: str
    place: Path


@pytest.fixture(params=[nginx, caddy], ids=["nginx", "caddy"])
async def proxied(
    request: pytest.FixtureRequest, database_url: str, keyring: Keyring, tmp_path: Path
) -> AsyncIterator[Proxied]:
    async with open_shop(database_url, keyring, trusted_proxies="127.0.0.1") as shop:
        stock(shop, "emma", "persuasion")
        await give(shop, "ann", 1000)
        ann = buyer(shop)
        order_id = (await ann.buy("emma")).json()["orderId"]
        files = tmp_path / "srv" / "files"
        files.mkdir(parents=True)
        for name in ("emma.epub", "persuasion.epub", "emma.txt"):
            (files / name).write_bytes(BOOK)
        with _running(request.param, tmp_path, urlsplit(shop.url).netloc) as url:
            trusted = ssl.create_default_context(cafile=tmp_path / "tls" / "ca.pem")
            async with httpx.AsyncClient(base_url=url, verify=trusted, timeout=60) as client:
                yield Proxied(shop, client, ann, order_id, tmp_path)


@contextmanager
def _running(configured: Callable[[Path, int, str], list[str]], place: Path, shop: str) -> Iterator[str]:
    certificate = local_certificate(place / "tls", "127.0.0.1", datetime.now(UTC))
    assert context(certificate), "the certificate is whole"
    shutil.copy(certificate.chain, place / "shop.pem")
    shutil.copy(certificate.key, place / "shop.key")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with (place / "proxy.log").open("wb") as log:
        process = subprocess.Popen(
            configured(place, port, shop), stdout=log, stderr=log, env=os.environ | {"HOME": str(place)}
        )
        try:
            eventually(lambda: _listens(port) or process.poll() is not None)
            assert process.poll() is None, (place / "proxy.log").read_text()
            yield f"https://127.0.0.1:{port}"
        finally:
            process.terminate()
            process.wait()


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


async def test_the_file_of_a_book_is_its_buyers(proxied: Proxied) -> None:
    whole = await proxied.http.get("/files/emma.epub", headers=proxied.ann.headers)
    assert (whole.status_code, whole.content) == (200, BOOK)
    assert whole.headers["cache-control"] == "private, no-cache"
    for path, headers, status in (
        ("/files/emma.epub", {}, 401),
        ("/files/emma.epub", {"Authorization": "Bearer x", "X-Cust-Id": "ann"}, 401),
        ("/files/emma.epub", buyer(proxied.shop, "bob").headers, 403),
        ("/files/persuasion.epub", proxied.ann.headers, 403),
        ("/files/emma.epub?productId=emma&token=x", {}, 401),
        ("/files/persuasion.epub?productId=emma", proxied.ann.headers, 403),
    ):
        refused = await proxied.http.get(path, headers=headers)
        assert refused.status_code == status, path
        assert BOOK not in refused.content
    assert (await proxied.http.get("/files/emma.txt", headers=proxied.ann.headers)).content != BOOK


async def test_parts_and_what_a_browser_has_kept(proxied: Proxied) -> None:
    headers = proxied.ann.headers
    part = await proxied.http.get("/files/emma.epub", headers=headers | {"Range": "bytes=100-199"})
    assert (part.status_code, part.content) == (206, BOOK[100:200])
    etag = part.headers["etag"]
    again = await proxied.http.get("/files/emma.epub", headers=headers | {"If-None-Match": etag})
    assert (again.status_code, again.content) == (304, b"")
    stranger = await proxied.http.get("/files/emma.epub", headers={"If-None-Match": etag})
    assert stranger.status_code == 401


async def test_a_right_that_has_ended_refuses_at_once(proxied: Proxied) -> None:
    first = await proxied.http.get("/files/emma.epub", headers=proxied.ann.headers)
    desk = await api_key(proxied.shop, "orders:refund")
    assert (await refund(proxied.shop, desk, proxied.order_id)).status_code == 200
    for more in ({}, {"Range": "bytes=0-9"}, {"If-None-Match": first.headers["etag"]}):
        refused = await proxied.http.get("/files/emma.epub", headers=proxied.ann.headers | more)
        assert refused.status_code == 403


async def test_a_link_needs_no_headers_and_stands_in_no_log(proxied: Proxied) -> None:
    made = await proxied.http.post("/v1/entitlements/emma/links", json={"seconds": 600}, headers=proxied.ann.headers)
    token = made.json()["token"]
    assert (await proxied.http.get(f"/files/emma.epub?token={token}")).content == BOOK
    assert (await proxied.http.get(f"/files/persuasion.epub?token={token}")).status_code in (401, 403)
    logs = [path.read_text() for path in proxied.place.glob("*.log")]
    assert not any(token in log for log in logs)


async def test_the_shop_itself_is_there(proxied: Proxied) -> None:
    assert (await proxied.http.get("/")).status_code == 200
    offer = await proxied.http.post(
        "/v1/checkout", json={"productIds": ["persuasion"]}, headers=proxied.ann.headers | {"X-Request-Id": "r-1"}
    )
    assert (offer.status_code, offer.headers["x-request-id"]) == (200, "r-1")
