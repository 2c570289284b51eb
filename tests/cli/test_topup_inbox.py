"""`lingdang topup inbox` on a database of one's own."""

import json
from collections.abc import Callable

import psycopg

from support.commands import Run

_TOLD = """
INSERT INTO topup_notification (account, entry, at, verdict, type, topup_id, kid, sealed)
VALUES ('cards', %s, %s, %s, %s, NULL, 'k', '')
"""


def test_the_inbox_is_shown_newest_first_of_one_account_or_of_all(
    topup: Run, begun: Callable[..., str], database_url: str
) -> None:
    topup_id = begun(received=600)
    topup("ask", topup_id)
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(_TOLD, ("told evt_1", "2026-01-01 08:00+00", "sound", "ping"))
        connection.execute(_TOLD, ("refused 0", "2026-01-01 09:00+00", "probe", ""))
    lines = topup("inbox").stdout.splitlines()
    assert f"  sandbox  sound  answer  {topup_id}  answer " in lines[0]
    assert lines[1:] == topup("inbox", "cards").stdout.splitlines()
    assert lines[1:] == [
        "2026-01-01T09:00:00.000Z  cards  probe  -  -  refused 0",
        "2026-01-01T08:00:00.000Z  cards  sound  ping  -  told evt_1",
    ]
    [newest] = json.loads(topup("inbox", "cards", "--most", "1", "--json").stdout)
    assert (newest["verdict"], newest["topupId"]) == ("probe", None)
    assert topup("inbox", "nobody").stdout == ""
