"""The shop that `lingdang topup` works on: its accounts, and what it says of refusals."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import psycopg

from support.commands import Run, rows

DAY = (datetime.now(UTC) - timedelta(days=3)).date()


def test_a_shop_that_the_demo_filled_has_its_sandbox_without_a_setting(topup: Run, database_url: str) -> None:
    told = topup("compare", "sandbox", str(DAY), sandbox="false")
    assert (told.exit_code, "LINGDANG_SANDBOX=true adds the sandbox" in told.output) == (1, True)
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("UPDATE deployment SET demo = 'filled'")
    done = topup("compare", "sandbox", str(DAY), sandbox="false")
    assert (done.exit_code, done.stdout) == (0, "0 listed, 0 differed\n"), done.output


def test_nothing_is_done_at_an_account_that_the_settings_lack(
    topup: Run, begun: Callable[..., str], database_url: str
) -> None:
    topup_id = begun(received=600)
    topup("ask", topup_id)
    done = topup("refund", topup_id, "--id", "r-1", "--amount", "300", sandbox="false")
    assert (done.exit_code, "there is no account sandbox" in done.output) == (1, True)
    assert rows(database_url, "topup_refund") == []
