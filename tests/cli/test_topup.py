"""`lingdang topup list`, `show`, `ask` and `compare` on a database of one's own."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from uuid import UUID

import psycopg
import pytest

from lingdang.ids import uuid7
from lingdang.topup.providers.provider import Unavailable
from lingdang.topup.providers.sandbox import Sandbox
from lingdang.topup.views import support_reference
from support.commands import Run

DAY = (datetime.now(UTC) - timedelta(days=3)).date()


def test_top_ups_are_listed_shown_and_asked_for(topup: Run, begun: Callable[..., str]) -> None:
    topup_id = begun()
    for command in (("list",), ("list", "--status", "pending"), ("show", topup_id), ("ask", topup_id)):
        done = topup(*command)
        assert done.exit_code == 0, done.output
        assert done.stdout.startswith(f"{topup_id}  pending         6.00 CNY  sandbox  ann  ")
    assert topup("list", "--status", "paid").stdout == ""
    nobody = topup("show", str(uuid7()))
    assert (nobody.exit_code, "there is no top-up" in nobody.output) == (1, True)


def test_a_list_is_of_one_customer(topup: Run, begun: Callable[..., str]) -> None:
    topup_id = begun()
    [listed] = json.loads(topup("list", "--customer", "ann", "--json").stdout)
    assert (listed["topupId"], listed["custId"], listed["differs"]) == (topup_id, "ann", [])
    unknown = topup("list", "--customer", "bob")
    assert (unknown.exit_code, "there is no customer bob" in unknown.output) == (1, True)


def test_one_is_found_by_what_somebody_has_of_it(topup: Run, begun: Callable[..., str]) -> None:
    topup_id = begun(received=601)
    support = support_reference(UUID(topup_id))
    assert topup("find", "--support", support).stdout == "", "nobody was told it yet"
    topup("ask", topup_id)
    begun(received=600)
    payment = json.loads(topup("show", topup_id, "--json").stdout)["reference"]
    for given in (("--support", support), ("--support", support.lower().replace("-", "")), ("--reference", payment)):
        assert topup("find", *given).stdout.startswith(f"{topup_id}  review ")
    both = topup("find", "--support", support, "--reference", payment, "--json")
    assert [each["topupId"] for each in json.loads(both.stdout)] == [topup_id]
    assert topup("find", "--support", support, "--reference", "other").stdout == ""
    assert (topup("find").exit_code, topup("find", "--support", "36EB").exit_code) == (2, 2)


def test_all_that_is_known_of_one_is_shown(topup: Run, begun: Callable[..., str]) -> None:
    topup_id = begun(received=600)
    assert "paid" in topup("ask", topup_id).stdout
    shown = topup("show", topup_id).stdout
    assert "\n  package    six: 600+60 BELL\n" in shown
    assert f"\n  support    {support_reference(UUID(topup_id))}\n  reference  sandbox_" in shown
    assert (
        "\n  money      6.00 CNY received\n  bells      660 left, 0 spent or lapsed, 0 frozen, 0 taken back; " in shown
    )
    assert "  sound  answer  answer " in shown
    told = json.loads(topup("show", topup_id, "--json").stdout)
    assert (told["custId"], told["left"]["left"], told["heard"][0]["verdict"]) == ("ann", 660, "sound")


def test_one_that_cannot_be_asked_for_is_said_so(
    topup: Run, begun: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = topup("ask", begun(account="cards"))
    assert (elsewhere.exit_code, "there is no account cards" in elsewhere.output) == (1, True)

    def away(*_: object) -> None:
        raise Unavailable("timeout")

    monkeypatch.setattr(Sandbox, "ask", away)
    silent = topup("ask", begun())
    assert (silent.exit_code, silent.stdout) == (1, "")
    assert "sandbox did not answer: timeout" in silent.stderr


def test_a_day_is_compared_with_its_list(topup: Run, database_url: str) -> None:
    topup("list")
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(
            "INSERT INTO sandbox_payment (account, topup_id, price, currency, name, state, received, paid_in, at)"
            " VALUES ('sandbox', %s, 600, 'CNY', 'n', 'paid', 600, 'CNY', %s)",
            (uuid7(), f"{DAY} 12:00+00"),
        )
    done = topup("compare", "sandbox", str(DAY))
    assert (done.exit_code, done.stdout) == (0, "1 listed, 1 differed\n"), done.output
    assert json.loads(topup("compare", "sandbox", str(DAY), "--json").stdout) == {"listed": 1, "differing": 0}
    assert topup("list", "--status", "review").stdout.count("nobody") == 1
    unknown = topup("compare", "elsewhere", str(DAY))
    assert (unknown.exit_code, "there is no account elsewhere" in unknown.output) == (1, True)


def test_a_day_that_is_not_over_has_no_list(topup: Run, database_url: str) -> None:
    early = topup("compare", "sandbox", str(datetime.now(UTC).date() + timedelta(days=1)))
    assert (early.exit_code, "is not there yet" in early.output) == (1, True)
    with psycopg.connect(database_url) as connection:
        assert connection.execute("SELECT count(*) FROM topup_day").fetchone() == (0,)
