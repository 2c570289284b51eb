"""Which of Apple's answers may pass and which are final."""

import pytest

from lingdang.ids import uuid7
from lingdang.topup.providers.apple import make
from lingdang.topup.providers.provider import Refused, Unavailable
from proof.standin.web import Answer, json_answer
from support.apple import account
from support.providers import NOW, served

NUMBER = uuid7(NOW)


@pytest.mark.parametrize(
    "answer",
    [
        Answer(401),
        Answer(500),
        Answer(200, b"<html>"),
        json_answer({"errorCode": 4290000, "errorMessage": ""}, 429),
        None,
    ],
)
def test_what_may_pass(answer: Answer | None) -> None:
    with served("apple", lambda _: answer) as address, pytest.raises(Unavailable):
        make(account(address)).ask(NUMBER, "1")


def test_what_is_final_has_its_code() -> None:
    final = json_answer({"errorCode": 4000006, "errorMessage": "Invalid transaction id."}, 400)
    with served("apple", lambda _: final) as address, pytest.raises(Refused, match="4000006"):
        make(account(address)).ask(NUMBER, "x")


def test_an_answer_that_apple_did_not_sign_is_not_believed() -> None:
    forged = json_answer({"signedTransactionInfo": "e30.e30."})
    with served("apple", lambda _: forged) as address, pytest.raises(Unavailable):
        make(account(address)).ask(NUMBER, "1")
