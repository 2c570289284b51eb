"""Which of Stripe's answers may pass and which are final."""

import socket

import pytest

from lingdang.topup.providers.provider import Provider, Refused, Unavailable
from lingdang.topup.providers.stripe import Account, make
from proof.standin.stripe import WEBHOOK_SECRET
from proof.standin.web import Answer, json_answer
from support.providers import order, served


def _at(address: str) -> Provider:
    return make(Account(secret_key="sk_test_another", webhook_secret=WEBHOOK_SECRET, api=address))


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (401, {"type": "invalid_request_error", "message": "no such key"}),
        (403, {"type": "invalid_request_error", "message": "not allowed"}),
        (409, {"type": "idempotency_error", "code": "idempotency_key_in_use", "message": "again"}),
        (429, {"type": "invalid_request_error", "code": "rate_limit", "message": "slower"}),
        (500, {"type": "api_error", "message": "ours"}),
    ],
)
def test_what_may_pass(status: int, error: dict[str, str]) -> None:
    with served("stripe", lambda _: json_answer({"error": error}, status)) as address, pytest.raises(Unavailable):
        _at(address).ask(order().topup_id, "pi_1")


def test_what_is_final_has_its_code() -> None:
    error = {"type": "invalid_request_error", "code": "amount_too_small", "message": "too small"}
    with served("stripe", lambda _: json_answer({"error": error}, 400)) as address, pytest.raises(Refused) as refused:
        _at(address).begin(order())
    assert refused.value.reason == "amount_too_small"


@pytest.mark.parametrize("answer", [Answer(200, b"{}"), Answer(200, b"<html>"), Answer(502, b"<html>"), None])
def test_no_answer_of_its_own_may_pass(answer: Answer | None) -> None:
    with served("stripe", lambda _: answer) as address, pytest.raises(Unavailable):
        _at(address).ask(order().topup_id, "pi_1")


def test_nobody_there_may_pass() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(Unavailable):
        _at(f"http://127.0.0.1:{port}").ask(order().topup_id, "pi_1")
