"""Work is counted, bounded and cut into slices; what was kept for the end is there at the end."""

from lingdang.coupons.work import SLICE, Steps, Work, finish


def test_others_cannot_afford_what_is_reserved() -> None:
    work = Work(limit=100)
    work.reserve(40)
    assert work.affords(60)
    assert not work.affords(61)
    work.spend(60)
    assert not work.affords(1)
    work.spend_reserved(40)
    assert work.done == 100
    assert not work.affords(1)


def test_a_slice_is_over_once_and_the_next_one_begins_there() -> None:
    work = Work()
    work.spend(SLICE - 1)
    assert not work.slice_is_over()
    work.spend(SLICE)
    assert work.slice_is_over()
    assert not work.slice_is_over()
    work.spend(SLICE - 1)
    assert not work.slice_is_over()
    work.spend(1)
    assert work.slice_is_over()


def test_steps_taken_all_at_once_give_their_result() -> None:
    def steps() -> Steps[str]:
        yield
        yield
        return "done"

    def none() -> Steps[int]:
        return 7
        yield

    assert finish(steps()) == "done"
    assert finish(none()) == 7
