"""Each kind of overload, small and short: customers go on buying, no worker ends, and the books agree afterwards."""

from collections import Counter
from pathlib import Path

import pytest

from proof.faults.overload.burning import burn
from proof.faults.overload.buyers import Event
from proof.faults.overload.history import History, Newcomers, Span
from proof.faults.overload.run import Plan, run
from proof.faults.overload.site import Burning
from proof.faults.report import Table, put_row


@pytest.mark.slow
@pytest.mark.parametrize(
    "kinds",
    [
        ("overload", "login-flood", "access-checks", "guessed-codes", "refused-payments"),
        ("silent-connections", "slow-readers", "handshakes", "pipelined"),
        ("search-flood", "open-pages", "own-pages", "large-bodies"),
    ],
    ids=["of customers", "of connections", "of reading"],
)
async def test_customers_go_on_buying(tmp_path: Path, kinds: tuple[str, ...]) -> None:
    result = await run(Plan(kinds=kinds, seconds=1, share=0.1, products=2_000, compared=False), tmp_path)
    assert result.faults == []
    assert [outcome.kind for outcome in result.outcomes] == list(kinds)
    for outcome in result.outcomes:
        assert outcome.workers_ended == 0, outcome
        (seen,) = outcome.rounds
        assert min(seen.before.paid, seen.during.paid, seen.after.paid) > 0, outcome
        assert sum(seen.attacked.answers.values()) > 0, outcome


def test_history_counts_within_a_span() -> None:
    history = History()
    for what, at, seconds in (("paid", 1.0, 0.1), ("paid", 4.0, 0.1), ("refused", 5.0, 0.2), ("paid", 5.5, 0.1)):
        history.add(Event(what, at, seconds, "503 overloaded" if what == "refused" else f"order-{at}"))
    history.add(Event("entered", 2.0, 0.5, "201"))
    history.add(Event("shut out", 3.0, 20.0, "TimeoutError"))
    assert history.paid(Span(1.0, 5.5)) == 2
    assert history.longest_gap(Span(0.5, 5.0)) == 3.0
    assert history.longest_gap(Span(10.0, 17.0)) == 7.0
    assert history.refusals(Span(0.0, 6.0)) == {"503 overloaded": 1}
    assert history.newcomers(Span(0.0, 6.0)) == Newcomers(1, 0.5, Counter(TimeoutError=1))
    assert history.order_ids() == ["order-1.0", "order-4.0", "order-5.5"]


def test_idle_loop_takes_cpu_time() -> None:
    assert burn(Burning(rate=0.5, seconds=0.2)) > 0


def test_a_kinds_row_is_put_in_place_of_its_former_one(tmp_path: Path) -> None:
    page, table = tmp_path / "page.md", Table("overload", "| kind | rate |")
    page.write_text("# Before\n\n<!-- overload: begin -->\n\n<!-- overload: end -->\n\nAfter\n", encoding="utf-8")
    for kind, row in (("a", "| a | 1 |"), ("b", "| b | 2 |"), ("a", "| a | 3 |")):
        put_row(page, table, kind, row)
    assert page.read_text(encoding="utf-8") == (
        "# Before\n\n<!-- overload: begin -->\n\n| kind | rate |\n| --- | ---: |\n| a | 3 |\n| b | 2 |\n\n"
        "<!-- overload: end -->\n\nAfter\n"
    )
