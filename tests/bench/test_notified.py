"""What the benchmark of notifications tells of its windows, and what it sends."""

from lingdang.topup.providers.sandbox import Sending
from proof.bench.notified import Window, _request, said


def window(rate: float, answers: list[float], drained: float = 0.0, cpu: float = 0.1) -> Window:
    return Window(1000, rate, answers, drained, cpu)


def test_each_window_is_compared_with_the_one_beside_it() -> None:
    without = [window(100, []), window(200, []), window(100, [])]
    notified = [window(90, [0.1, 0.3], 0.5, 0.12), window(200, [0.2, 2.0], 1.5, 0.12), window(94, [0.1], 0.1, 0.11)]
    payments, answers, drained, cpu = said(without, notified)
    assert payments == "payments: rate × 0.940 (0.90 to 1.00), at least 0.95: NOT REACHED"
    assert answers.startswith("notifications: answered in p50 0.200 s, p99 2.000 s, the latest 2.000 s of 5, ")
    assert answers.endswith("NOT REACHED")
    assert drained == "all carried out 0.50 s (0.10 to 1.50) after the last"
    assert cpu == "CPU: 0.10 ms a payment, 10.0 ms a notification until it is carried out"


def test_goals_are_reached_by_the_median_and_the_99th() -> None:
    payments, answers, *_ = said([window(100, [])], [window(95, [0.5])])
    assert (payments[-7:], answers[-7:]) == ("reached", "reached")


def test_a_notification_is_one_request() -> None:
    assert _request(Sending({"sandbox-key": "1"}, b"{}", 0)) == (
        b"POST /v1/topups/notify/sandbox HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
        b"sandbox-key: 1\r\nContent-Length: 2\r\n\r\n{}"
    )
