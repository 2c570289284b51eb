"""Through Litestar a handler is asked and answers what it is asked and answers on the short way."""

from datetime import UTC, datetime
from typing import Any

import msgspec
from litestar import Litestar
from litestar.testing import TestClient

from lingdang.http.answers import EXCEPTION_HANDLERS
from lingdang.http.bound import Bound, Gate
from lingdang.http.framework import framework_route
from lingdang.http.reply import Reply
from lingdang.http.route import ANYONE, Asked, Route

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)


class OfBook(msgspec.Struct, frozen=True, rename="camel"):
    """Which book, and how many."""

    book_id: str
    count: int = 1


class Note(msgspec.Struct, frozen=True):
    """What is noted."""

    text: str


async def nobody(*_: Any) -> None:
    """No route here asks who it is."""


def client(handle: Any, method: str = "POST", **fields: Any) -> TestClient[Litestar]:
    declared: dict[str, Any] = {"params": OfBook, "answer": str, "who": ANYONE, "summary": "S", "tag": "t"} | fields
    route: Any = Route(name="book", method=method, path="/v1/books/{book_id}", **declared)  # type: ignore[arg-type]
    gate = Gate(lambda *_: None, nobody, lambda: NOW)
    app = Litestar([framework_route(Bound(route.by(handle), gate), 100)], exception_handlers=EXCEPTION_HANDLERS)
    return TestClient(app)


async def echo(asked: Asked[Any, Any, Any]) -> list[str]:
    return [asked.params.book_id, str(asked.params.count), getattr(asked.body, "text", "-"), asked.client]


def test_path_query_and_body() -> None:
    with client(echo, body=Note) as http:
        answer = http.post("/v1/books/emma?count=3", content=b'{"text":"hello"}')
        assert (answer.status_code, answer.json()[:3]) == (200, ["emma", "3", "hello"])
        assert answer.headers["content-type"] == "application/json"
        large = http.post("/v1/books/emma", content=b"x" * 101)
        assert (large.status_code, large.json()["code"]) == (413, "body_too_large")
        for query, path in (("count=x", "$.count"), ("count=3&bookId=other", "$.bookId")):
            wrong = http.post(f"/v1/books/emma?{query}", content=b'{"text":"hello"}')
            assert (wrong.status_code, wrong.json()["errors"][0]["path"]) == (400, path)


def test_a_route_without_a_body_reads_none() -> None:
    with client(echo) as http:
        assert http.post("/v1/books/emma", content=b"x" * 1000).json()[2] == "-"


def test_status_headers_and_type_are_the_answers_own() -> None:
    async def made(_: Asked[Any, Any, Any]) -> Reply:
        return Reply(b"<p>", 201, ((b"content-type", b"text/html"), (b"x-a", b"b")))

    async def gone(_: Asked[Any, Any, Any]) -> None:
        return None

    with client(made) as http:
        answer = http.post("/v1/books/emma")
        assert (answer.status_code, answer.text, answer.headers["x-a"]) == (201, "<p>", "b")
        assert answer.headers["content-type"].startswith("text/html")
    with client(gone, "DELETE", answer=type(None)) as http:
        assert (http.delete("/v1/books/emma").status_code, http.delete("/v1/books/emma").content) == (204, b"")
