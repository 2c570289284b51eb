"""Which of Alipay's answers may pass and which are final."""

from dataclasses import replace

import pytest

from lingdang.topup.providers.alipay import make
from lingdang.topup.providers.provider import Refused, Unavailable
from proof.standin.alipay import AlipayDesk
from proof.standin.keys import rsa_sign
from proof.standin.web import Answer, Handler, Request
from support.alipay import account
from support.providers import Clock, order, served


def _answering(text: str, owner: str = "alipay") -> Handler:
    body = f'{{"alipay_trade_query_response":{text},"sign":"{rsa_sign(owner, text)}"}}'
    return lambda _: Answer(200, body.encode())


@pytest.mark.parametrize(
    "text",
    [
        '{"code":"20000","sub_code":"isp.unknow-error"}',
        '{"code":"40002","sub_code":"isv.invalid-signature"}',
        '{"code":"40006","sub_code":"isv.insufficient-isv-permissions"}',
        '{"code":"40004","sub_code":"ACQ.SYSTEM_ERROR"}',
        '{"code":"10000"}',
        '{"code":10000}',
    ],
)
def test_what_may_pass(text: str) -> None:
    with served("alipay", _answering(text)) as address, pytest.raises(Unavailable):
        make(account(address)).ask(order().topup_id, None)


def test_what_is_final_has_its_code() -> None:
    text = '{"code":"40004","sub_code":"ACQ.INVALID_PARAMETER"}'
    with served("alipay", _answering(text)) as address, pytest.raises(Refused) as refused:
        make(account(address)).ask(order().topup_id, None)
    assert refused.value.reason == "ACQ.INVALID_PARAMETER"


def test_an_answer_of_another_key_is_not_believed() -> None:
    text = '{"code":"40004","sub_code":"ACQ.TRADE_NOT_EXIST"}'
    with served("alipay", _answering(text)) as address:
        assert make(account(address)).ask(order().topup_id, None) is None
    with served("alipay", _answering(text, "a stranger")) as address, pytest.raises(Unavailable, match="signature"):
        make(account(address)).ask(order().topup_id, None)


@pytest.mark.parametrize("body", [b"", b"<html>", b"\xff", b"{}", b'{"alipay_trade_query_response":{', b'{"sign":1}'])
def test_an_answer_that_is_none_may_pass(body: bytes) -> None:
    with served("alipay", lambda _: Answer(200, body)) as address, pytest.raises(Unavailable):
        make(account(address)).ask(order().topup_id, None)


def test_nobody_there_may_pass() -> None:
    with served("alipay", lambda _: None) as address, pytest.raises(Unavailable):
        make(account(address)).ask(order().topup_id, None)


def test_an_answer_that_was_altered_is_not_believed() -> None:
    desk = AlipayDesk(Clock())

    def altered(request: Request) -> Answer | None:
        answer = desk.answer(request)
        assert answer is not None
        return replace(answer, body=answer.body.replace(b"WAIT_BUYER_PAY", b"TRADE_SUCCESS"))

    wanted = order()
    with served("alipay", altered) as address:
        provider = make(account(address))
        desk.open(provider.begin(wanted).action.url or "")
        with pytest.raises(Unavailable, match="signature"):
            provider.ask(wanted.topup_id, None)


def test_a_download_that_fails_may_pass() -> None:
    url = '{"code":"10000","bill_download_url":"http://127.0.0.1:9/bill"}'
    body = f'{{"alipay_data_dataservice_bill_downloadurl_query_response":{url},"sign":"{rsa_sign("alipay", url)}"}}'
    with served("alipay", lambda _: Answer(200, body.encode())) as address, pytest.raises(Unavailable):
        list(make(account(address)).list_day(Clock().now.date()))
