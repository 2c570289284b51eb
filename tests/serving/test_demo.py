"""`serve --demo`: fills an empty shop once, and never one that is in use."""

from pathlib import Path

import psycopg

from lingdang.serving.demo import BELLS
from support.served import Served, run, serving


def _count(served: Served) -> tuple[object, ...]:
    url = served.database_url()
    with psycopg.connect(url) as connection:
        row = connection.execute(
            "SELECT (SELECT count(*) FROM product), (SELECT count(*) FROM customer), (SELECT sum(balance) FROM wallet),"
            " (SELECT count(*) FROM voucher)"
        ).fetchone()
    assert row is not None
    return row


def test_demo_fills_an_empty_shop_once_and_says_what_to_open(tmp_path: Path) -> None:
    for _ in range(2):
        with serving(tmp_path / "shop", "--demo") as served:
            assert _count(served) == (10_000, 1, BELLS, 5)
            banner = "\n".join(served.banner)
            assert served.url in banner
            assert str(tmp_path / "shop" / "tls" / "ca.pem") in banner
            assert "demo-demo" in banner
    assert run(tmp_path / "shop", "reconcile").returncode == 0


def test_demo_leaves_a_shop_in_use_alone(tmp_path: Path) -> None:
    with serving(tmp_path / "shop", "--http") as served:
        url = served.database_url()
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(
                "INSERT INTO product (product_id, title, currency, price, list_price, publisher, created_at,"
                " updated_at) VALUES ('own', 'Own', 'BELL', 1, 1, 'P', now(), now())"
            )
    with serving(tmp_path / "shop", "--http", "--demo") as served:
        assert _count(served) == (1, 0, None, 0)
