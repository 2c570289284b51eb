"""Space is bounded: strangers who do nothing go first, customers under way stay, and whoever is refused is told so."""

from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest

from support.raw import answers, connected, problem_of, until_closed
from support.served import Served, eventually, serving
from support.strangers import STARTS, strangers

pytestmark = pytest.mark.slow


def sign_in(served: Served, client: httpx.Client) -> dict[str, str]:
    answer = client.post("/v1/sessions", json={"custId": "demo", "password": "demo-demo", "signType": "HMAC-SHA256"})
    assert answer.status_code == 201
    return {"Authorization": f"Bearer {answer.json()['sessionToken']}", "X-Cust-Id": "demo"}


@pytest.mark.parametrize("way", ["--http", "https"])
def test_strangers_who_do_nothing_go_for_who_comes(tmp_path: Path, way: str) -> None:
    args = ["--demo", *(["--http"] if way == "--http" else [])]
    with (
        serving(tmp_path / "shop", *args, connection_limit="20", body_seconds="300") as served,
        served.client() as customer,
        ExitStack() as stack,
    ):
        headers = sign_in(served, customer)
        port = customer.get("/v1/wallet", headers=headers).extensions["network_stream"].get_extra_info("client_addr")
        for start in STARTS.values():
            for connection in strangers(served, 50, start):
                stack.enter_context(connection)
        for _ in range(10):
            with served.client() as newcomer:
                assert newcomer.get("/healthz").status_code == 200
            again = customer.get("/v1/wallet", headers=headers)
            assert again.status_code == 200
            assert again.extensions["network_stream"].get_extra_info("client_addr") == port, "its connection was kept"
        assert '"connections_full"' in served.errors()


@pytest.mark.parametrize("way", ["--http", "https"])
def test_a_newcomer_is_told_when_all_are_customers_under_way(tmp_path: Path, way: str) -> None:
    args = ["--demo", *(["--http"] if way == "--http" else [])]
    with serving(tmp_path / "shop", *args, connection_limit="3") as served, ExitStack() as stack:
        first = stack.enter_context(served.client())
        headers = sign_in(served, first)
        customers = [first, *(stack.enter_context(served.client()) for _ in range(2))]

        def all_answered() -> bool:
            return all(customer.get("/v1/wallet", headers=headers).status_code == 200 for customer in customers)

        assert all_answered()
        with connected(served) as newcomer:
            newcomer.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
            (answer,) = answers(until_closed(newcomer))
        assert problem_of(answer)["code"] == "overloaded"
        assert answer.status == 503
        assert int(answer.headers["retry-after"]) > 0
        assert answer.headers["connection"] == "close"
        assert all_answered()
        metrics = first.get("/metrics").text
        assert 'lingdang_connections{state="customers"} 3.0' in metrics


def test_a_customer_at_rest_goes_when_nobody_else_is_left(tmp_path: Path) -> None:
    with serving(tmp_path / "shop", "--demo", "--http", connection_limit="2") as served, ExitStack() as stack:
        clients = [stack.enter_context(served.client()) for _ in range(2)]
        headers = sign_in(served, clients[0])
        for client in clients:
            assert client.get("/v1/wallet", headers=headers).status_code == 200

        def let_in() -> bool:
            with served.client() as newcomer:
                return newcomer.get("/healthz").status_code == 200

        eventually(let_in)


@pytest.mark.parametrize("way", ["--http", "https"])
def test_descriptors_are_enough_for_the_database_whatever_strangers_take(tmp_path: Path, way: str) -> None:
    """Of few descriptors connections get what the database leaves; the log says how many."""
    args = ["--http"] if way == "--http" else []
    with serving(tmp_path / "shop", *args, descriptors=256, body_seconds="300") as served, ExitStack() as stack:
        assert '"connection_limit_lowered"' in served.errors()
        for connection in strangers(served, 400, b""):
            stack.enter_context(connection)
        for _ in range(5):
            with served.client() as client:
                assert client.get("/readyz").status_code == 200
