"""From what was measured to the table, and to the faults."""

from pathlib import Path

import pytest

from proof.bench.figures import Beside, Window, paired, rows
from proof.bench.meters import Batches, parse_batches
from proof.bench.pgbench import PgbenchError
from proof.bench.pgbench import parse as parse_pgbench
from proof.bench.report import BEGIN, END, Report, page, table, text, write_into
from proof.bench.rounds import compared


def window(name: str, number: int, rate: float, p50: float | None = 0.01, beside: float | None = None) -> Window:
    return Window(
        name=name,
        round=number,
        operations=int(rate),
        rate=rate,
        p50=p50,
        p99=p50,
        mean=0.01,
        outcomes={"200": int(rate)},
        wal_bytes=2000 * int(rate),
        server_cpu=0.5,
        postgres_cpu=0.25,
        generator_cpu=0.1,
        generator_share=0.1,
        others_share=0.0,
        batches=Batches(10, rate),
        beside=beside and Beside(beside, 0.0),
    )


WINDOWS = [
    window("pgbench/8", 1, 1000, None),
    window("payments/http/64", 1, 1500),
    window("pgbench/32", 1, 800, None),
    window("pgbench/8", 2, 900, None),
    window("payments/http/64", 2, 1500),
    window("pgbench/32", 2, 2000, None),
    window("pgbench/1", 2, 9000, None),
]


def test_a_ratio_is_to_the_best_reference_of_its_own_round() -> None:
    payments = next(row for row in rows(WINDOWS) if row.name == "payments/http/64")
    assert payments.ratio is not None
    assert payments.ratio == (0.75, 1.125, 1.5)
    assert payments.rate == (1500, 1500, 1500)
    assert payments.each("wal_bytes") == 2000
    assert payments.batch == 150


def test_without_pgbench_there_is_no_ratio() -> None:
    assert [row.ratio for row in rows([window("payments/http/64", 1, 1500)])] == [None]


def test_rows_are_sorted_by_kind_and_number() -> None:
    names = ["payments/http/64", "pgbench/32", "pgbench/8", "payments/http/8", "checkouts/https/64"]
    ordered = [row.name for row in rows([window(name, 1, 10) for name in names])]
    assert ordered == ["checkouts/https/64", "payments/http/8", "payments/http/64", "pgbench/8", "pgbench/32"]


def test_side_by_side_is_what_was_measured_in_turns_or_else_in_the_same_round() -> None:
    windows = [
        window("payments/https/64", 1, 1000),
        window("payments-voucher/https/64", 1, 900),
        window("payments-hot-book/https/64", 1, 1800, beside=2000),
        window("payments-hot-book/https/64", 2, 1500, beside=1000),
        window("checkouts/https/64", 2, 4000, beside=3000),
        window("checkouts-hot/https/64", 2, 2000),
        window("payments-hot-customer/https/64", 2, 1000),
    ]
    assert paired(windows) == {
        "payments-voucher/https/64": (0.9, 0.9, 0.9),
        "payments-hot-book/https/64": (0.9, 1.2, 1.5),
        "checkouts-hot/https/64": (0.5, 0.5, 0.5),
    }


def test_the_table_is_rectangular_markdown() -> None:
    lines = table(rows(WINDOWS)).splitlines()
    assert len({line.count("|") for line in lines}) == 1
    assert len({len(line) for line in lines}) == 1
    assert "1.12 (0.75–1.50)" in "".join(lines)


def test_the_page_shows_what_is_hot_among_the_goals_alone() -> None:
    hot = window("payments-hot-book/http/64", 1, 1400)
    report = Report(
        machine={}, database={}, settings={}, windows=[*WINDOWS, hot], statements=None, reconciled="no", faults=[]
    )
    assert hot.name in text(report, rows(report.windows))
    assert hot.name not in page(report, rows(report.windows))
    assert "| pgbench/8 " in page(report, rows(report.windows))


def test_the_report_replaces_the_one_before(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"# Title\n\n{BEGIN}\nold\n{END}\n\nrest\n")
    write_into(page, "new")
    write_into(page, "newer")
    assert page.read_text() == f"# Title\n\n{BEGIN}\n\nnewer\n\n{END}\n\nrest\n"


def test_batches_are_read_from_the_metrics() -> None:
    text = (
        'lingdang_batch_size_bucket{lane="settlement",le="1.0"} 3.0\n'
        'lingdang_batch_size_bucket{lane="settlement",le="+Inf"} 5.0\n'
        'lingdang_batch_size_count{lane="settlement"} 5.0\n'
        'lingdang_batch_size_sum{lane="settlement"} 40.0\n'
        'lingdang_batch_size_sum{lane="another"} 7.0\n'
    )
    batches = parse_batches(text)
    assert batches == Batches(5, 40, {"1.0": 3.0, "+Inf": 5.0})
    assert batches.since(Batches(1, 4, {"1.0": 1.0})) == Batches(4, 36, {"1.0": 2.0, "+Inf": 5.0})
    assert batches + batches == Batches(10, 80, {"1.0": 6.0, "+Inf": 10.0})
    assert Batches() + batches == batches + Batches() == batches
    assert parse_batches("") == Batches()


def test_pgbench_is_understood_or_refused() -> None:
    out = (
        "number of transactions actually processed: 12345\n"
        "latency average = 3.210 ms\n"
        "tps = 2469.1 (without initial connection time)\n"
    )
    assert parse_pgbench(out)[:3] == (12345, 2469.1, 3.21)
    with pytest.raises(PgbenchError):
        parse_pgbench("pgbench: error")


def test_pgbench_stands_beside_what_it_is_compared_with() -> None:
    steps = compared(["a", "bc", "de"], "123", "fg")  # type: ignore[arg-type, list-item]
    assert "".join(steps) == "1abc2de3fg"  # type: ignore[arg-type]
    assert compared([], "", "fg") == ["f", "g"]  # type: ignore[arg-type, comparison-overlap]
