"""The receiver that is measured with: what comes is noted once, with its moment."""

from pathlib import Path

import httpx
import pytest

from proof.bench.hooked import Arrivals, hooked
from support.shop import PATIENCE


def batch(*orders: str) -> list[dict[str, object]]:
    return [{"id": f"evt_{order}", "type": "order.paid", "data": {"orderId": order}} for order in orders]


@pytest.mark.slow
def test_each_order_counts_once(tmp_path: Path) -> None:
    file = tmp_path / "arrivals"
    with hooked(file) as port, httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=PATIENCE) as http:
        arrivals = Arrivals(file)
        assert arrivals.look() == 0
        for orders in (("a", "b"), ("b", "c")):
            assert http.post("/", json=batch(*orders)).status_code == 204
        while arrivals.look() < 3:
            pass
        arrivals.close()
    assert set(arrivals.at) == {"a", "b", "c"}
    assert arrivals.at["a"] == arrivals.at["b"] <= arrivals.at["c"]


def test_a_line_that_is_cut_off_is_read_when_it_is_whole(tmp_path: Path) -> None:
    file = tmp_path / "arrivals"
    file.write_bytes(b'{"at":1.5,"orders":["a"]}\n{"at":2.5,"ord')
    arrivals = Arrivals(file)
    assert arrivals.look() == 1
    with file.open("ab") as more:
        more.write(b'ers":["a","b"]}\n')
    assert arrivals.look() == 2
    arrivals.close()
    assert arrivals.at == {"a": 1.5, "b": 2.5}
