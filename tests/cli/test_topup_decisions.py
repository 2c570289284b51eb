"""`lingdang topup decide` and `refund` on a database of one's own."""

import json
from collections.abc import Callable

import pytest

from lingdang.topup.providers.provider import Refused, Unavailable
from lingdang.topup.providers.sandbox import Sandbox
from support.commands import Run, rows


def test_what_is_accepted_is_credited(topup: Run, begun: Callable[..., str]) -> None:
    topup_id = begun(received=601)
    assert "  review  " in topup("ask", topup_id).stdout
    for _ in range(2):
        done = topup("decide", topup_id, "accept")
        assert done.exit_code == 0, done.output
        assert done.stdout.startswith(f"{topup_id}  paid  ")
        assert "\n  decided    accepted\n" in done.stdout
        assert "660 left" in done.stdout
    late = topup("decide", topup_id, "return")
    assert (late.exit_code, "topup_undecided: This cannot be decided so: not_in_review" in late.output) == (1, True)


def test_what_is_returned_goes_back_at_the_provider(topup: Run, begun: Callable[..., str], database_url: str) -> None:
    topup_id = begun(received=601)
    topup("ask", topup_id)
    told = json.loads(topup("decide", topup_id, "return", "--json").stdout)
    assert (told["status"], told["decided"], told["refunded"], told["left"]) == ("refunded", "returned", 601, None)
    assert rows(database_url, "transfer") == []


def test_a_return_that_the_provider_refuses_leaves_it_undecided(
    topup: Run, begun: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    topup_id = begun(received=601)
    topup("ask", topup_id)

    def refuses(*_: object) -> None:
        raise Refused("too_old")

    monkeypatch.setattr(Sandbox, "refund", refuses)
    done = topup("decide", topup_id, "return")
    assert (done.exit_code, "  review  " in done.stdout) == (1, True), done.output
    assert "\n  refund     decision  refused: too_old  6.01 CNY" in done.stdout


def test_money_is_given_back_once(topup: Run, begun: Callable[..., str]) -> None:
    topup_id = begun(received=600)
    topup("ask", topup_id)
    for _ in range(2):
        done = topup("refund", topup_id, "--id", "r-1", "--amount", "300")
        assert done.exit_code == 0, done.output
        assert done.stdout.startswith("r-1  done  3.00 CNY  asked ")
    shown = topup("show", topup_id).stdout
    assert shown.startswith(f"{topup_id}  partly_refunded ")
    assert "\n  money      6.00 CNY received, 3.00 refunded\n" in shown
    assert "330 left, 0 spent or lapsed, 0 frozen, 330 taken back" in shown
    assert "\n  refund     r-1  done  3.00 CNY  asked " in shown
    much = topup("refund", topup_id, "--id", "r-2", "--amount", "301")
    assert (much.exit_code, "(more_than_there_is)" in much.output) == (1, True)
    off = topup("refund", topup_id, "--id", "r-3")
    assert (off.exit_code, "(cash_refunds_off)" in off.output) == (1, True)
    left = topup("refund", topup_id, "--id", "r-3", "--json", LINGDANG_CASH_REFUNDS="days:14")
    assert (json.loads(left.stdout)["amount"], json.loads(left.stdout)["status"]) == (300, "done")


@pytest.mark.parametrize(
    ("answer", "exit_code", "said"),
    [(Refused("too_old"), 1, "r-1  refused: too_old  3.00 CNY"), (Unavailable(), 0, "r-1  pending  3.00 CNY")],
)
def test_a_provider_that_refuses_or_is_silent_is_told_apart(
    topup: Run, begun: Callable[..., str], monkeypatch: pytest.MonkeyPatch, answer: Exception, exit_code: int, said: str
) -> None:
    topup_id = begun(received=600)
    topup("ask", topup_id)

    def answers(*_: object) -> None:
        raise answer

    monkeypatch.setattr(Sandbox, "refund", answers)
    done = topup("refund", topup_id, "--id", "r-1", "--amount", "300")
    assert (done.exit_code, done.stdout.startswith(said)) == (exit_code, True), done.output
