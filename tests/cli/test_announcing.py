"""What `lingdang serve` says at its start, and what of it is dangerous enough for the log."""

from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from lingdang.cli.announcing import Demo, Opening, announce
from lingdang.demo import CUSTOMER, PASSWORD
from lingdang.settings import Settings

OPENING = Opening("127.0.0.1", "http://127.0.0.1:8080", None, 2, demo=False, has=Demo(customer=False))


def said(capsys: pytest.CaptureFixture[str], opening: Opening = OPENING, **settings: Any) -> tuple[str, list[str]]:
    with capture_logs() as events:
        announce(Settings(**settings), opening)
    return capsys.readouterr().out, [event["event"] for event in events]


def test_where_it_is_and_how_to_stop_it(capsys: pytest.CaptureFixture[str]) -> None:
    out, logged = said(capsys, trusted_proxies="10.0.0.1", data_dir="/shop")
    assert OPENING.address in out
    assert "/shop (embedded PostgreSQL)" in out
    assert out.rstrip().endswith("stop       Ctrl-C")
    assert "demo" not in out
    assert logged == []


def test_a_database_of_ones_own_is_not_shown(capsys: pytest.CaptureFixture[str]) -> None:
    out, _ = said(capsys, database_url="postgresql://joe:secret@db/shop")
    assert "your PostgreSQL" in out
    assert "secret" not in out


def test_without_tls_the_proxy_is_to_be_named(capsys: pytest.CaptureFixture[str]) -> None:
    out, logged = said(capsys)
    assert "LINGDANG_TRUSTED_PROXIES" in out
    assert logged == ["one_address_for_all"]


@pytest.mark.parametrize(("demo", "by"), [(True, "--demo"), (False, "LINGDANG_DEMO")])
def test_demo_mode_says_who_switched_it_on(capsys: pytest.CaptureFixture[str], demo: bool, by: str) -> None:
    out, logged = said(capsys, OPENING._replace(demo=demo), demo=True, trusted_proxies="10.0.0.1")
    assert f"on by {by}: everybody may use the signing lab" in out
    assert logged == ["demo_mode"]


def test_a_known_password_is_told_with_or_without_the_demo(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    has = Demo(customer=True)
    out, logged = said(capsys, OPENING._replace(has=has), trusted_proxies="10.0.0.1")
    assert f"{CUSTOMER}, password {PASSWORD} (known to everybody)" in out
    assert "try it" not in out
    assert logged == ["demo_customer"]
    out, _ = said(capsys, OPENING._replace(has=has, demo=True), demo=True, refund_days=14, trusted_proxies="10.0.0.1")
    assert "examples/first_purchase.py --url http://127.0.0.1:8080" in out
    assert "open       http://127.0.0.1:8080 in a browser\n" in out, "nothing is said of a certificate over plain HTTP"
    assert "for 14 days" in out
    assert "top up     http://127.0.0.1:8080/topup: the sandbox plays the payment" in out


def test_accounts_and_the_sandbox_are_told(capsys: pytest.CaptureFixture[str]) -> None:
    out, logged = said(capsys, trusted_proxies="10.0.0.1", topup_providers={"cards": {}, "wechat": {}})
    assert ("  top-ups    through cards, wechat\n" in out, "sandbox" in out, logged) == (True, False, [])
    out, logged = said(capsys, trusted_proxies="10.0.0.1", sandbox=True)
    assert "sandbox    on by LINGDANG_SANDBOX: anyone who can sign in gets bells for free" in out
    assert logged == ["sandbox"]


def test_a_shop_that_is_in_use_was_not_filled(capsys: pytest.CaptureFixture[str]) -> None:
    out, _ = said(capsys, OPENING._replace(demo=True, has=Demo(False, "products, customers")), demo=True)
    assert "there are products, customers in this shop" in out
