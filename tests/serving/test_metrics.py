"""Metrics: counted per worker, added up over all, with a bounded number of series."""

import os
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from lingdang.http.kept import Kept
from lingdang.keys import Keyring
from lingdang.serving.metrics import GAUGES, Metrics, empty_directory
from lingdang.watch import Watch
from support.buyer import buyer, give, stock
from support.served import eventually, serving
from support.shop import Shop, open_shop

pytestmark = pytest.mark.slow


def _values(text: str) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    families = text_string_to_metric_families(text)
    return {(s.name, tuple(sorted(s.labels.items()))): s.value for family in families for s in family.samples}


@pytest.fixture
async def shop_watched(database_url: str, keyring: Keyring) -> AsyncIterator[tuple[Shop, Metrics]]:
    """A shop whose metrics the test reads itself."""
    metrics = Metrics()
    watch = Watch(
        metrics.observe_request, metrics.payment, metrics.batch, metrics.database, metrics.gauge, metrics.render
    )
    async with open_shop(database_url, keyring, watch) as shop:
        yield shop, metrics


def test_two_workers_add_up(tmp_path: Path) -> None:
    one, two = Metrics(tmp_path, 1), Metrics(tmp_path, 2)
    one.observe_request("POST", "/v1/payments", 200, 0.004)
    two.observe_request("POST", "/v1/payments", 200, 0.004)
    two.observe_request("POST", "/v1/payments", 402, 99.0)
    one.payment("paid")
    two.payment("paid")
    two.payment("replay")
    two.batch("settlement", 3, 0.002)
    two.gauge("lingdang_queue_length", "settlement", lambda: 7)
    two.gauge("lingdang_journal_rolled_back", "2", lambda: True)
    for metrics, value in ((one, 3), (two, 5)):
        metrics.gauge("lingdang_overdue", "wallet", lambda value=value: value)
        metrics.gauge("lingdang_topups_in_review", str(value), lambda value=value: value)
        metrics.gauge("lingdang_background_lag_seconds", "upkeep", lambda value=value: value)
        metrics.gauge("lingdang_background_lag_seconds", "webhooks", lambda value=value: value)
    two.publish()
    values = _values(one.render().decode())
    route = ("route", "/v1/payments")
    assert values["lingdang_http_requests_total", (("method", "POST"), route, ("status", "200"))] == 2
    assert values["lingdang_http_requests_total", (("method", "POST"), route, ("status", "402"))] == 1
    assert values["lingdang_http_request_duration_seconds_count", (("method", "POST"), route)] == 3
    assert values["lingdang_http_request_duration_seconds_bucket", (("le", "0.005"), ("method", "POST"), route)] == 2
    assert values["lingdang_http_request_duration_seconds_bucket", (("le", "10.0"), ("method", "POST"), route)] == 2
    assert values["lingdang_http_request_duration_seconds_bucket", (("le", "+Inf"), ("method", "POST"), route)] == 3
    assert values["lingdang_payments_total", (("result", "paid"),)] == 2
    assert values["lingdang_batch_size_sum", (("lane", "settlement"),)] == 3
    assert values["lingdang_queue_length", (("lane", "settlement"),)] == 7
    assert values["lingdang_journal_rolled_back", (("worker", "2"),)] == 1
    assert values["lingdang_overdue", (("state", "wallet"),)] == 5, "each has counted the same rows, at its own time"
    assert values["lingdang_topups_in_review", ()] == 5, "it is told once, and not by each"
    assert values["lingdang_background_lag_seconds", (("task", "upkeep"),)] == 3, "what one has seen done is done"
    assert values["lingdang_background_lag_seconds", (("task", "webhooks"),)] == 5, "each has endpoints of its own"
    assert values["lingdang_workers", ()] == 2


def test_a_client_cannot_make_series(tmp_path: Path) -> None:
    metrics = Metrics()
    for number in range(50):
        metrics.observe_request(f"M{number}", "-", 405, 0.001)
    names = [key for key in _values(metrics.render().decode()) if key[0] == "lingdang_http_requests_total"]
    assert names == [("lingdang_http_requests_total", (("method", "-"), ("route", "-"), ("status", "405")))]


def test_a_damaged_file_and_an_earlier_start_do_not_count(tmp_path: Path) -> None:
    earlier = Metrics(tmp_path, 1)
    earlier.payment("paid")
    earlier.publish()
    empty_directory(tmp_path)
    assert _values(Metrics(tmp_path, 2).render().decode())["lingdang_metrics_unread", ()] == 0
    (tmp_path / "9-9").write_bytes(b"\xff\x00")
    values = _values(Metrics(tmp_path, 2).render().decode())
    assert "lingdang_payments_total" not in {name for name, _ in values}
    assert values["lingdang_metrics_unread", ()] == 1


@pytest.mark.parametrize("value", [True, 7, 0.5], ids=["a truth", "a count", "a number"])
def test_whatever_a_gauge_reads_the_others_can_read(tmp_path: Path, value: float) -> None:
    one, two = Metrics(tmp_path, 1), Metrics(tmp_path, 2)
    for name, (_, label) in GAUGES.items():
        one.gauge(name, label, lambda: value)
    one.payment("paid")
    one.publish()
    values = _values(two.render().decode())
    assert values["lingdang_metrics_unread", ()] == 0
    assert values["lingdang_payments_total", (("result", "paid"),)] == 1
    assert {values[name, ((label, label),) if label else ()] for name, (_, label) in GAUGES.items()} == {float(value)}


def test_whoever_ended_counts_on_but_has_no_present_state(tmp_path: Path) -> None:
    """The process that has an ended worker's number now, this one here, is another one."""
    ended, successor, other = Metrics(tmp_path, 1), Metrics(tmp_path, 1), Metrics(tmp_path, 2)
    for metrics, waiting in ((ended, 7), (successor, 5)):
        metrics.payment("paid")
        metrics.gauge("lingdang_queue_length", "settlement", lambda waiting=waiting: waiting)
        metrics.publish()
        (tmp_path / f"1-{os.getpid()}").rename(tmp_path / f"1-{waiting}")
    values = _values(other.render().decode())
    assert values["lingdang_payments_total", (("result", "paid"),)] == 2
    assert values["lingdang_workers", ()] == 2
    assert values["lingdang_queue_length", (("lane", "settlement"),)] == 5


def _both(client: httpx.Client) -> dict[Any, float]:
    """The metrics as one of the workers tells them."""
    return _values(client.get("/metrics", headers={"Connection": "close"}).text)


def _counted(values: dict[Any, float]) -> float:
    return sum(count for (name, _), count in values.items() if name == "lingdang_http_requests_total")


def test_served_by_two_workers(tmp_path: Path) -> None:
    with serving(tmp_path / "shop", "--http", "--workers", "2") as served, served.client() as client:
        for path in ("/healthz", "/readyz", "/v1/products", "/no/such/thing", "/v1/products/absent"):
            client.get(path)
        client.request("BREW", "/no/such/thing")
        answer = client.get("/metrics")
        assert answer.headers["content-type"].startswith("text/plain")
        for _ in range(2):  # whoever answers, it is for both, as of a moment ago
            eventually(lambda: _counted(_both(client)) >= 6)
        values = _both(client)
        assert values["lingdang_workers", ()] == 2
        assert ("lingdang_queue_length", (("lane", "settlement"),)) in values
        routes = {dict(labels)["route"] for name, labels in values if name == "lingdang_http_requests_total"}
        assert routes <= {"-", "/healthz", "/readyz", "/metrics", "/v1/products", "/v1/products/{product_id}"}


def test_however_often_it_is_asked_for_it_is_made_once_a_second() -> None:
    made, now = [], [100.0]
    kept = Kept(lambda: made.append(now[0]) or b"%d" % len(made), lambda: now[0])  # type: ignore[func-returns-value]
    assert [kept() for _ in range(100)] == [b"1"] * 100
    now[0] += 0.9
    assert kept() == b"1"
    now[0] += 0.2
    assert [kept() for _ in range(100)] == [b"2"] * 100
    assert len(made) == 2


async def test_a_purchase_shows_in_every_lane(shop_watched: tuple[Shop, Metrics]) -> None:
    shop, metrics = shop_watched
    stock(shop, "book-1")
    await give(shop, "ann", 100)
    ann = buyer(shop)
    assert (await shop.http.put("/v1/cart/items/book-1", headers=ann.headers)).status_code == 200
    assert (await ann.buy("book-1")).status_code == 200
    values = _values(metrics.render().decode())
    for lane in ("cart", "checkout", "settlement"):
        assert values["lingdang_batch_size_sum", (("lane", lane),)] == 1
        assert values["lingdang_queue_length", (("lane", lane),)] == 0
    assert values["lingdang_database_duration_seconds_count", (("lane", "settlement"),)] == 1
    assert values["lingdang_payments_total", (("result", "paid"),)] == 1


def test_names_and_types_are_those_of_prometheus_conventions(tmp_path: Path) -> None:
    """What only rises is a counter and ends in `_total`; times are in seconds."""
    metrics = Metrics(tmp_path, 1)
    metrics.observe_request("GET", "/healthz", 200, 0.004)
    metrics.payment("paid")
    metrics.batch("settlement", 3, 0.002)
    metrics.database("settlement", 0.001)
    for name, (_, label) in GAUGES.items():
        metrics.gauge(name, label, lambda: 1)
    text = metrics.render().decode()
    types = dict(re.findall(r"^# TYPE (\S+) (\S+)$", text, re.MULTILINE))
    assert {name for name, kind in types.items() if kind == "counter"} == {
        "lingdang_http_requests_total",
        "lingdang_http_requests_by_way_total",
        "lingdang_payments_total",
        "lingdang_expired_wallets_total",
        "lingdang_webhook_accepted_total",
        "lingdang_webhook_refused_total",
        "lingdang_webhook_unanswered_total",
        "lingdang_topup_asked_total",
        "lingdang_topup_forged_total",
        "lingdang_topup_differing_total",
        "lingdang_journal_sealed_transfers_total",
        "lingdang_process_cpu_seconds_total",
    }
    assert {name for name in types if name.endswith("_total")} == {n for n, kind in types.items() if kind == "counter"}
    histograms = {name for name, kind in types.items() if kind == "histogram"}
    assert {name for name in histograms if name.endswith("_duration_seconds")} == histograms - {"lingdang_batch_size"}
    assert "lingdang_http_request_duration_seconds" in histograms
