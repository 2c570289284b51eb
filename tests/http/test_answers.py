"""Whatever is raised in a route is answered as a problem, and nothing of the inside with it."""

from litestar.exceptions import HTTPException, MethodNotAllowedException, NotFoundException
from litestar.testing import RequestFactory
from structlog.testing import capture_logs

from lingdang.errors import Problem
from lingdang.http.answers import EXCEPTION_HANDLERS
from lingdang.http.reading import ClientGone


def answered(error: Exception) -> tuple[int, str, dict[str, str], list[str]]:
    """Status, body, headers, and what was logged."""
    request = RequestFactory().get("/v1/x", headers={"Accept-Language": "en"})
    with capture_logs() as events:
        answer = EXCEPTION_HANDLERS[Exception](request, error)
    return answer.status_code, answer.content.decode(), answer.headers, [event["event"] for event in events]


def test_a_refusal_is_answered_as_it_is() -> None:
    status, body, headers, logged = answered(Problem("not_entitled", headers={"X-A": "b"}, productId="emma"))
    assert (status, logged) == (403, [])
    assert '"productId":"emma"' in body
    assert headers["x-a"] == "b"


def test_what_the_framework_refuses_has_a_code_too() -> None:
    assert answered(NotFoundException())[0] == 404
    status, _, headers, _ = answered(MethodNotAllowedException(headers={"allow": "GET"}))
    assert status == 405
    assert "GET" in headers["allow"]
    status, body, _, logged = answered(HTTPException("No such thing", status_code=400))
    assert (status, logged) == (400, [])
    assert '"path":"$"' in body


def test_a_fault_is_logged_and_not_told() -> None:
    for error in (ZeroDivisionError("secret"), HTTPException("secret", status_code=500)):
        status, body, _, logged = answered(error)
        assert (status, logged) == (500, ["request_failed"])
        assert "secret" not in body


def test_a_client_that_went_away_is_no_fault() -> None:
    assert answered(ClientGone())[3] == []
