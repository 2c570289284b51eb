"""What the benchmark of deliveries tells of its windows."""

from proof.bench.delivering import Turn, Window, told


def turn(rate: float, latency: float, wal: float, delays: list[float]) -> Turn:
    window = Window(rate, [latency], wal)
    return Turn(window, window, delays, 1.0)


def test_each_turn_is_compared_with_the_one_beside_it() -> None:
    without = [turn(100, 0.010, 1000, []), turn(200, 0.020, 1000, [])]
    delivering = [turn(90, 0.010, 1100, [0.1, 0.3]), turn(200, 0.040, 1000, [0.2, 0.4])]
    full, half, wal, arrived = told(without, delivering, 50)
    assert full.startswith("full load: rate × 0.950 (0.90 to 1.00)")
    assert "p50 × 1.500 (1.00 to 2.00), p99 × 1.500 (1.00 to 2.00)" in half
    assert "× 1.050 (1.00 to 1.10) at full load" in wal
    assert arrived.endswith("p50 0.30 s, p99 0.40 s")
