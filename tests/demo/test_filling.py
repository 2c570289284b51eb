"""`serve --demo`: fills an empty shop once, and never one that is in use; demo mode is told however it came on."""

from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from lingdang.demo import BELLS, books, filling
from lingdang.demo.filling import fill_demo, has_demo_customer
from lingdang.keys import Keyring
from lingdang.settings import Settings
from support.money import credit, open_settlement
from support.served import Served, run, serving

pytestmark = pytest.mark.slow

TABLES = (
    "product",
    "customer",
    "wallet",
    "transfer",
    "coupon",
    "voucher",
    "topup_package",
    "entitlement",
    "deployment",
)
FILLED = [
    ("product", 10_000),
    ("customer", 1),
    ("wallet", 1),
    ("transfer", 1),
    ("coupon", 6),
    ("voucher", 5),
    ("topup_package", 3),
]


def _contents(url: str) -> dict[str, list[tuple[object, ...]]]:
    """Every row of every table that a filling writes to."""
    with psycopg.connect(url) as connection:
        return {
            table: connection.execute(
                sql.SQL("SELECT t::text FROM {} t ORDER BY 1").format(sql.Identifier(table))
            ).fetchall()
            for table in TABLES
        }


def _sizes(url: str) -> list[tuple[str, int]]:
    return [(table, len(rows)) for table, rows in _contents(url).items()][: len(FILLED)]


def _settings(keyring: Keyring, tmp_path: Path) -> Settings:
    return Settings(data_dir=str(tmp_path), keyring_file=str(keyring.path))


def _banner(served: Served) -> str:
    return "\n".join(served.banner)


def test_demo_fills_an_empty_shop_once_and_says_what_to_open(tmp_path: Path) -> None:
    for _ in range(2):
        with serving(tmp_path / "shop", "--demo", fresh=True) as served:
            assert _sizes(served.database_url()) == FILLED
            banner = _banner(served)
            assert served.url in banner
            assert str(tmp_path / "shop" / "tls" / "ca.pem") in banner
            assert "demo mode  on by --demo: everybody may use the signing lab" in banner
            assert f"demo, password demo-demo (known to everybody), {BELLS:,} bells" in banner
            assert "for 14 days customers may refund what they have not opened" in banner
            assert "not filled" not in banner
            with served.client() as client:
                assert client.get("/static/config.json").json()["refundDays"] == 14
    assert run(tmp_path / "shop", "reconcile").returncode == 0


PRODUCT = (
    "INSERT INTO product (product_id, title, currency, price, list_price, publisher, created_at, updated_at)"
    " VALUES ('book-1', 'Own', 'BELL', 1, 1, 'P', now(), now()), ('book-2', 'Own', 'BELL', 1, 1, 'P', now(), now())"
)
CUSTOMER = "INSERT INTO customer (customer, customer_id, created_at) VALUES (1, 'demo', now())"
COUPON = (
    "INSERT INTO coupon (coupon_id, definition, status, total_limit, per_customer, created_at, updated_at)"
    " VALUES ('welcome', '{}', 'active', NULL, 1, now(), now())"
)


@pytest.mark.parametrize(("statement", "found"), [(PRODUCT, "products"), (CUSTOMER, "customers"), (COUPON, "coupons")])
def test_a_shop_in_which_there_is_anything_is_left_alone(
    database_url: str, keyring: Keyring, tmp_path: Path, statement: str, found: str
) -> None:
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(statement)
    before = _contents(database_url)
    assert fill_demo(_settings(keyring, tmp_path), database_url) == found
    assert _contents(database_url) == before
    assert not has_demo_customer(_settings(keyring, tmp_path), database_url)


async def test_a_customer_of_an_identity_provider_and_their_bells_count(
    database_url: str, keyring: Keyring, tmp_path: Path
) -> None:
    async with open_settlement(database_url) as settlement:
        await settlement.submit(credit("auth0|5f7c", 100))
    before = _contents(database_url)
    assert fill_demo(_settings(keyring, tmp_path), database_url) == "customers, wallets, transfers"
    assert _contents(database_url) == before


FEW = [("product", 20), *FILLED[1:]]


@pytest.fixture
def few_books(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A catalogue that is quickly filled in."""
    lines = books.BOOKS.read_text(encoding="utf-8").splitlines(keepends=True)
    few = tmp_path / "books.csv"
    few.write_text("".join(lines[:21]), encoding="utf-8")
    monkeypatch.setattr(books, "BOOKS", few)


class Killed(BaseException):
    """In place of a kill."""


@pytest.mark.usefixtures("few_books")
@pytest.mark.parametrize("step", ["add_demo_books", "give_demo_coupons", "store_customer", "credit_wallet"])
@pytest.mark.parametrize("begun", [False, True], ids=["before it", "behind it"])
def test_an_interrupted_filling_is_taken_up_again(
    database_url: str, keyring: Keyring, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str, begun: bool
) -> None:
    settings = _settings(keyring, tmp_path)
    with monkeypatch.context() as killed:
        _kill_at(killed, step, begun)
        with pytest.raises(Killed):
            fill_demo(settings, database_url)
    for _ in range(2):
        assert fill_demo(settings, database_url) is None
        assert _sizes(database_url) == FEW
        assert has_demo_customer(settings, database_url)


def _kill_at(monkeypatch: pytest.MonkeyPatch, step: str, begun: bool) -> None:
    original = getattr(filling, step)

    def killed(*given: object) -> object:
        if not begun:
            raise Killed
        done = original(*given)
        if step == "add_demo_books":
            raise Killed
        return _killed_behind(done)

    monkeypatch.setattr(filling, step, killed)


async def _killed_behind(done: object) -> None:
    await done  # type: ignore[misc]
    raise Killed


@pytest.mark.usefixtures("few_books")
@pytest.mark.parametrize(("statement", "found"), [(CUSTOMER, "customers"), (COUPON, "coupons")])
def test_what_came_into_the_shop_since_the_interruption_is_the_owner_s(
    database_url: str, keyring: Keyring, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, statement: str, found: str
) -> None:
    settings = _settings(keyring, tmp_path)
    with monkeypatch.context() as killed:
        _kill_at(killed, "give_demo_coupons", begun=True)
        with pytest.raises(Killed):
            fill_demo(settings, database_url)
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(statement)
        connection.execute("UPDATE product SET price = 7 WHERE product_id = 'book-1'")
    before = _contents(database_url)
    assert fill_demo(settings, database_url) == found
    assert _contents(database_url) == before


def test_the_banner_says_that_nothing_was_filled(tmp_path: Path) -> None:
    with (
        serving(tmp_path / "shop", "--http") as served,
        psycopg.connect(served.database_url(), autocommit=True) as connection,
    ):
        connection.execute(PRODUCT)
    with serving(tmp_path / "shop", "--http", "--demo") as served:
        assert _sizes(served.database_url())[:2] == [("product", 2), ("customer", 0)]
        assert "not filled there are products in this shop: --demo fills an empty one only" in _banner(served)
        assert "demo mode  on by --demo" in _banner(served)
        assert "demo-demo" not in _banner(served)


def test_what_is_configured_of_refunds_stands_in_a_demo_too(tmp_path: Path) -> None:
    with serving(tmp_path / "shop", "--http", "--demo", refund_days="0") as served, served.client() as client:
        assert client.get("/static/config.json").json()["refundDays"] == 0
        assert "customers may refund" not in _banner(served)


def test_demo_mode_by_a_setting_is_told_likewise(tmp_path: Path) -> None:
    with serving(tmp_path / "shop", "--http", demo="true") as served:
        assert "demo mode  on by LINGDANG_DEMO: everybody may use the signing lab" in _banner(served)
        assert "demo-demo" not in _banner(served)
        assert "demo_mode" in served.errors()
        with served.client() as client:
            assert client.get("/static/config.json").json()["demo"] is True
    with serving(tmp_path / "shop", "--http") as served:
        assert "demo mode" not in _banner(served)


@pytest.mark.usefixtures("few_books")
def test_a_known_password_is_told_without_demo_mode_too(database_url: str, keyring: Keyring, tmp_path: Path) -> None:
    assert fill_demo(_settings(keyring, tmp_path), database_url) is None
    options = {"database_url": database_url, "keyring_file": str(keyring.path)}
    with serving(tmp_path / "shop", "--http", **options) as served:
        assert "customer   demo, password demo-demo (known to everybody)" in _banner(served)
        assert "demo mode" not in _banner(served)
        assert "demo_customer" in served.errors()


@pytest.mark.parametrize(
    ("args", "options", "told"),
    [(["--http"], {}, True), (["--http"], {"trusted_proxies": "10.0.0.0/8"}, False), ([], {}, False)],
)
def test_plain_http_without_a_named_proxy_is_warned_of(
    tmp_path: Path, args: list[str], options: dict[str, str], told: bool
) -> None:
    with serving(tmp_path / "shop", *args, **options) as served:
        assert ("name the proxy in LINGDANG_TRUSTED_PROXIES" in _banner(served)) == told
        assert ("one_address_for_all" in served.errors()) == told
