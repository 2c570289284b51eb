"""Reading a body: whole, up to a limit, however it comes in parts."""

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lingdang.errors import Problem
from lingdang.http.reading import ClientGone, read_body

GONE = {"type": "http.disconnect"}


async def read(parts: list[bytes | None], limit: int, headers: dict[bytes, bytes] | None = None) -> bytes:
    """None is where the client goes away."""

    def messages() -> Iterator[dict[str, Any]]:
        for place, part in enumerate(parts, 1):
            yield GONE if part is None else {"type": "http.request", "body": part, "more_body": place < len(parts)}

    coming = messages()

    async def receive() -> Any:
        return next(coming)

    return await read_body(headers or {}, receive, limit)


@given(st.lists(st.binary(max_size=9), min_size=1, max_size=6), st.integers(0, 30))
async def test_it_is_whole_or_too_large(parts: list[bytes], limit: int) -> None:
    body = b"".join(parts)
    if len(body) <= limit:
        assert await read(list(parts), limit) == body
    else:
        with pytest.raises(Problem, match="body_too_large"):
            await read(list(parts), limit)


@pytest.mark.parametrize("declared", [b"11", b"9" * 99, b"-1", b"ten", b"1.0", b""])
async def test_what_says_that_it_is_too_large_is_not_read(declared: bytes) -> None:
    with pytest.raises(Problem) as refused:
        await read([], 10, {b"content-length": declared})
    assert refused.value.members == {"limit": 10}


async def test_a_declared_length_at_the_limit_is_read() -> None:
    assert await read([b"x" * 10], 10, {b"content-length": b"10"}) == b"x" * 10


@pytest.mark.parametrize("parts", [[None], [b"a", None]])
async def test_a_client_that_goes_away_sent_nothing(parts: list[bytes | None]) -> None:
    with pytest.raises(ClientGone):
        await read(parts, 10)
