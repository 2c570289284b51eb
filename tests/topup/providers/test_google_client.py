"""Which of Google's answers may pass and which are final."""

import pytest

from lingdang.ids import uuid7
from lingdang.topup.providers.google import make
from lingdang.topup.providers.provider import Refused, Unavailable
from proof.standin.google import GoogleDesk
from proof.standin.web import Answer, Handler, Request, json_answer
from support.google import account
from support.providers import served

NUMBER = uuid7()


def _answering(answer: Answer | None) -> Handler:
    desk = GoogleDesk()
    return lambda request: desk.answer(request) if request.path == "/token" else answer


@pytest.mark.parametrize(
    "answer",
    [Answer(401), Answer(403), Answer(429), Answer(500), Answer(302), Answer(200, b"<html>"), Answer(200, b"{}"), None],
)
def test_what_may_pass(answer: Answer | None) -> None:
    with served("google", _answering(answer)) as address, pytest.raises(Unavailable):
        make(account(address)).ask(NUMBER, "token")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ({"error": {"status": "INVALID_ARGUMENT", "message": "x"}}, "INVALID_ARGUMENT"),
        ({"error": {"message": "x"}}, "x"),
        ({}, "unreadable"),
        ([], "unreadable"),
    ],
)
def test_what_is_final_has_its_code(content: object, reason: str) -> None:
    with served("google", _answering(json_answer(content, 400))) as address, pytest.raises(Refused) as refused:
        make(account(address)).ask(NUMBER, "token")
    assert refused.value.reason == reason


def test_what_is_gone_is_unknown() -> None:
    with served("google", _answering(Answer(410))) as address:
        assert make(account(address)).ask(NUMBER, "token") is None


def test_a_sign_in_that_fails_may_pass() -> None:
    def refusing(request: Request) -> Answer:
        return json_answer({"error": "invalid_grant"}, 400)

    with served("google", refusing) as address, pytest.raises(Unavailable):
        make(account(address)).ask(NUMBER, "token")


def test_a_key_that_is_none_is_told_at_the_start() -> None:
    with pytest.raises(ValueError, match=r".+"):
        make(account("http://127.0.0.1:9", service_account="{}"))


def test_a_token_stays_one_step_of_the_address() -> None:
    asked: list[str] = []

    def recording(request: Request) -> Answer | None:
        asked.append(request.path)
        return GoogleDesk().answer(request)

    with served("google", recording) as address:
        make(account(address)).ask(NUMBER, "../../orders/GPA.1:refund?x#y")
    assert asked[-1].endswith("/purchases/productsv2/tokens/..%2F..%2Forders%2FGPA.1%3Arefund%3Fx%23y")
