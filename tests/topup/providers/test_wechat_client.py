"""Which of WeChat Pay's answers may pass and which are final."""

from dataclasses import replace

import pytest

from lingdang.topup.providers.provider import Refused, Unavailable
from lingdang.topup.providers.wechat import make
from proof.standin.web import Answer, Request, json_answer
from proof.standin.wechat import WechatDesk
from support.providers import Clock, order, served
from support.wechat import account


@pytest.mark.parametrize(
    ("status", "code"),
    [(500, "SYSTEM_ERROR"), (429, "FREQUENCY_LIMITED"), (401, "SIGN_ERROR"), (403, "FREQUENCY_LIMITED"), (502, "")],
)
def test_what_may_pass(status: int, code: str) -> None:
    with served("wechat", lambda _: json_answer({"code": code}, status)) as address, pytest.raises(Unavailable):
        make(account(address)).ask(order().topup_id, None)


def test_what_is_final_has_its_code() -> None:
    with (
        served("wechat", lambda _: json_answer({"code": "PARAM_ERROR"}, 400)) as address,
        pytest.raises(Refused) as refused,
    ):
        make(account(address)).begin(order())
    assert refused.value.reason == "PARAM_ERROR"


@pytest.mark.parametrize("answer", [Answer(200, b"{}"), json_answer({}), Answer(502, b"<html>"), None])
def test_an_answer_that_is_not_signed_may_pass(answer: Answer | None) -> None:
    with served("wechat", lambda _: answer) as address, pytest.raises(Unavailable):
        make(account(address)).ask(order().topup_id, None)


def test_an_answer_that_was_altered_is_not_believed() -> None:
    desk = WechatDesk(Clock())

    def altered(request: Request) -> Answer | None:
        answer = desk.answer(request)
        assert answer is not None
        return replace(answer, body=answer.body.replace(b"NOTPAY", b"CLOSED"))

    wanted = order()
    with served("wechat", desk.answer) as address:
        make(account(address)).begin(wanted)
    with served("wechat", altered) as address, pytest.raises(Unavailable):
        make(account(address)).ask(wanted.topup_id, None)


def test_our_own_requests_are_signed() -> None:
    desk = WechatDesk(Clock())
    with served("wechat", desk.answer) as address:
        stranger = make(account(address, certificate_serial="00" * 20))
        with pytest.raises(Unavailable):
            stranger.begin(order())
