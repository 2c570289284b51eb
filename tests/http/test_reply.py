"""An answer's headers, those of its own and those that it shares with others."""

from lingdang.http.reply import Reply, header_block, replied
from lingdang.serving.direct import written

SHARED = header_block((b"cache-control", b"no-store"), (b"content-type", b"application/json"))


def test_a_block_has_its_headers_as_they_are_sent() -> None:
    assert SHARED.lines == b"cache-control: no-store\r\ncontent-type: application/json\r\n"
    assert header_block().lines == b""


def test_shared_headers_are_written_after_the_answer_s_own() -> None:
    reply = Reply(b"{}", 200, ((b"content-length", b"2"),), SHARED)
    head, _, body = written(reply, [(b"date", b"today")], keep_alive=True).partition(b"\r\n\r\n")
    assert head.split(b"\r\n")[1:] == [
        b"date: today",
        b"content-length: 2",
        b"cache-control: no-store",
        b"content-type: application/json",
    ]
    assert body == b"{}"


def test_a_value_is_answered_as_json() -> None:
    assert replied({"a": 1}, 201) == Reply(b'{"a":1}', 201)
