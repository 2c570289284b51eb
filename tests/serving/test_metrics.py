"""Metrics: counted per worker, added up over all, with a bounded number of series."""

from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families

from lingdang.serving.metrics import Metrics, empty_directory
from support.served import serving


def _values(text: str) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    families = text_string_to_metric_families(text)
    return {(s.name, tuple(sorted(s.labels.items()))): s.value for family in families for s in family.samples}


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
    two.publish()
    values = _values(one.render().decode())
    route = ("route", "/v1/payments")
    assert values["lingdang_requests_total", (("method", "POST"), route, ("status", "200"))] == 2
    assert values["lingdang_requests_total", (("method", "POST"), route, ("status", "402"))] == 1
    assert values["lingdang_request_seconds_count", (("method", "POST"), route)] == 3
    assert values["lingdang_request_seconds_bucket", (("le", "0.005"), ("method", "POST"), route)] == 2
    assert values["lingdang_request_seconds_bucket", (("le", "10.0"), ("method", "POST"), route)] == 2
    assert values["lingdang_request_seconds_bucket", (("le", "+Inf"), ("method", "POST"), route)] == 3
    assert values["lingdang_payments_total", (("result", "paid"),)] == 2
    assert values["lingdang_batch_size_sum", (("lane", "settlement"),)] == 3
    assert values["lingdang_queue_length", (("lane", "settlement"),)] == 7


def test_a_client_cannot_make_series(tmp_path: Path) -> None:
    metrics = Metrics()
    for number in range(50):
        metrics.observe_request(f"M{number}", "-", 405, 0.001)
    names = [key for key in _values(metrics.render().decode()) if key[0] == "lingdang_requests_total"]
    assert names == [("lingdang_requests_total", (("method", "-"), ("route", "-"), ("status", "405")))]


def test_a_damaged_file_and_an_earlier_start_do_not_count(tmp_path: Path) -> None:
    earlier = Metrics(tmp_path, 1)
    earlier.payment("paid")
    earlier.publish()
    empty_directory(tmp_path)
    (tmp_path / "9-9").write_bytes(b"\xff\x00")
    assert "lingdang_payments_total{" not in Metrics(tmp_path, 2).render().decode()


def test_served_by_two_workers(tmp_path: Path) -> None:
    with serving(tmp_path / "shop", "--http", "--workers", "2") as served, served.client() as client:
        for path in ("/healthz", "/readyz", "/v1/products", "/no/such/thing", "/v1/products/absent"):
            client.get(path)
        client.request("BREW", "/no/such/thing")
        answer = client.get("/metrics")
        assert answer.headers["content-type"].startswith("text/plain")
        values = _values(answer.text)
        assert values["lingdang_workers", ()] >= 1
        assert ("lingdang_queue_length", (("lane", "settlement"),)) in values
        routes = {dict(labels)["route"] for name, labels in values if name == "lingdang_requests_total"}
        assert routes <= {"-", "/healthz", "/readyz", "/v1/products", "/v1/products/{product_id}"}
