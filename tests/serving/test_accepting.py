"""A handshake has a deadline, and whoever speaks plain HTTP where TLS is spoken is told so."""

from contextlib import ExitStack
from pathlib import Path

import pytest

from support.raw import answers, problem_of, until_closed
from support.served import serving
from support.strangers import STARTS, strangers

pytestmark = pytest.mark.slow


def test_a_handshake_has_a_deadline_and_plain_http_an_answer(tmp_path: Path) -> None:
    with serving(tmp_path / "shop", body_seconds="300") as served, ExitStack() as stack:
        silent = [stack.enter_context(strangers(served, 1, STARTS[start])[0]) for start in ("nothing", "half a hello")]
        (connection,) = strangers(served, 1, b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        with connection:
            (answer,) = answers(until_closed(connection))
        assert [connection.recv(100) for connection in silent] == [b"", b""]
    assert problem_of(answer)["code"] == "invalid_request"
    assert b"HTTPS" in answer.body
