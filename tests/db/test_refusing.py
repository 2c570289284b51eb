"""Whoever finds no room is sent away for longer, the more there are."""

from lingdang.db.refusing import EACH, Refusing


class Queue:
    def __init__(self) -> None:
        self.now = 0.0
        self.refusing = Refusing(lambda: self.now)

    def refuse(self, count: int) -> list[int]:
        return [self.refusing.seconds() for _ in range(count)]


def test_few_are_sent_away_for_a_second() -> None:
    queue = Queue()
    for _ in range(5):
        assert set(queue.refuse(EACH - 1)) == {1}
        queue.now += 1.0


def test_many_are_sent_away_for_longer() -> None:
    queue = Queue()
    told = queue.refuse(3 * EACH)
    assert (told[0], told[-1]) == (1, 4)
    assert told == sorted(told)
    queue.now += 1.0
    assert queue.refuse(1) == [4], "as many as in the second before are to be expected"


def test_what_is_over_is_forgotten() -> None:
    queue = Queue()
    queue.refuse(3 * EACH)
    queue.now += 1.0
    queue.refuse(1)
    queue.now += 1.0
    assert queue.refuse(1) == [1]
    queue.refuse(3 * EACH)
    queue.now += 2.0
    assert queue.refuse(1) == [1]
