"""The state of a top-up, by its amounts."""

from typing import Any

import pytest

from lingdang.topup.status import Amounts, status_of

TABLE: list[tuple[dict[str, Any], str]] = [
    ({}, "pending"),
    ({"closed": "expired"}, "expired"),
    ({"closed": "failed"}, "failed"),
    ({"closed": "expired", "received": 600}, "paid"),
    ({"received": 600}, "paid"),
    ({"received": 600, "refunded": 1}, "partly_refunded"),
    ({"received": 600, "refunded": 600}, "refunded"),
    ({"received": 600, "disputed": 600}, "disputed"),
    ({"received": 600, "refunded": 100, "disputed": 500}, "disputed"),
    ({"received": 600, "lost": 600}, "lost"),
    ({"received": 600, "lost": 200, "refunded": 400}, "lost"),
    ({"received": 500, "differs": True}, "review"),
    ({"differs": True}, "review"),
    ({"received": 500, "differs": True, "disputed": 500}, "review"),
    ({"received": 500, "differs": True, "refunded": 100}, "review"),
    ({"received": 500, "differs": True, "refunded": 500}, "refunded"),
    ({"received": 500, "differs": True, "lost": 500}, "lost"),
    ({"received": 500, "differs": True, "decided": "accepted"}, "paid"),
    ({"received": 500, "differs": True, "decided": "accepted", "refunded": 100}, "partly_refunded"),
    ({"received": 500, "differs": True, "decided": "returned"}, "review"),
    ({"received": 500, "differs": True, "decided": "returned", "refunded": 500}, "refunded"),
]


@pytest.mark.parametrize(("amounts", "status"), TABLE)
def test_the_state_follows_from_the_amounts(amounts: dict[str, Any], status: str) -> None:
    assert status_of(Amounts(**amounts)) == status
