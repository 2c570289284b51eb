"""The other end of the chooser's pipe: each question is answered in turn, until there is none."""

from datetime import timedelta
from io import BytesIO

import msgspec
import pytest

from lingdang.coupons.chooser import LENGTH_BYTES, Answer, Choice, Decided, Refused
from lingdang.coupons.chooser_process import serve
from lingdang.coupons.deciding import decide
from lingdang.coupons.goods import Buyer, Good, Voucher, basket_of
from lingdang.coupons.model import Definition, Fixed
from support.drawn import NOW

ORDER = basket_of([Good("a", 30)], "BELL", Buyer(), NOW)
HELD = [Voucher("v", "c", Definition("V", Fixed(5)), NOW + timedelta(days=1))]


def framed(content: bytes) -> bytes:
    return len(content).to_bytes(LENGTH_BYTES) + content


def frames(data: bytes) -> list[bytes]:
    stream, found = BytesIO(data), []
    while length := stream.read(LENGTH_BYTES):
        found.append(stream.read(int.from_bytes(length)))
    return found


def answers(asked: bytes) -> list[bytes]:
    out = BytesIO()
    serve(BytesIO(asked), out)
    return frames(out.getvalue())


def question(named: list[str] | None = None) -> bytes:
    return framed(msgspec.msgpack.encode(Choice(ORDER, HELD, named, {})))


def test_it_says_that_it_is_ready_and_answers_in_turn() -> None:
    ready, first, second = answers(question() + question(["v"]))
    assert ready == b"ready"
    for answer in (first, second):
        assert msgspec.msgpack.decode(answer, type=Answer) == Decided(decide(ORDER, HELD))


def test_a_refusal_is_an_answer() -> None:
    late = msgspec.structs.replace(HELD[0], expires_at=NOW)
    _, answer = answers(framed(msgspec.msgpack.encode(Choice(ORDER, [late], ["v"], {}))))
    refused = msgspec.msgpack.decode(answer, type=Answer)
    assert isinstance(refused, Refused)
    assert refused.code == "voucher_unusable"
    assert refused.members["reasons"]["v"]["code"] == "expired"


@pytest.mark.parametrize("left", [1, LENGTH_BYTES, LENGTH_BYTES + 1])
def test_a_question_that_breaks_off_ends_it_without_an_answer(left: int) -> None:
    assert answers(question() + question()[:left]) == answers(question())
