"""What the database holds at the end, compared with what the payers and their banks did."""

from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Any

import psycopg

from lingdang.ledger.reconcile import reconcile
from proof.topups.plan import Story
from proof.topups.sending import Answered

_BELLS = """
SELECT detail->>'topupId', sum(amount)::bigint, count(*) FILTER (WHERE kind = 'topup')
  FROM transfer WHERE kind IN ('topup', 'takeback', 'giveback', 'freeze', 'release') GROUP BY 1
"""
_REFUSED = "SELECT account, split_part(entry, ' ', 2) FROM topup_notification WHERE entry LIKE 'refused %'"
_OVERDUE = "SELECT count(*) FROM topup_waiting"


def audit(connection: psycopg.Connection[Any], told: Mapping[str, Story], answered: Sequence[Answered]) -> list[str]:
    """What is wrong, in sentences. `told` has the stories by the ids of their top-ups."""
    bells = {str(name): (int(net), int(rows)) for name, net, rows in connection.execute(_BELLS)}
    refused = {(str(account), str(digest)) for account, digest in connection.execute(_REFUSED)}
    [(waiting,)] = connection.execute(_OVERDUE).fetchall()
    return [
        *(fault for name, story in told.items() for fault in _wrong(name, story, bells.get(name, (0, 0)))),
        *(f"bells of a top-up that nobody began: {name}" for name in bells.keys() - told.keys()),
        *(fault for each in answered for fault in _unlike(each, refused)),
        *([f"{waiting} notifications wait"] if waiting else []),
        *(f"reconcile: {difference}" for difference in reconcile(connection).differences),
    ]


def _wrong(name: str, story: Story, found: tuple[int, int]) -> list[str]:
    expected = (story.credited, int(story.wrong is None))
    return [] if found == expected else [f"{name} {story}: (bells, credits) are {found}, not {expected}"]


def _unlike(each: Answered, refused: set[tuple[str, str]]) -> list[str]:
    message = each.sent.message
    if each.taken is None:
        return [f"{message.provider}: a notification was never answered"]
    if not each.sent.is_forged:
        return [] if each.taken else [f"{message.provider}: a genuine notification was refused"]
    kept = (message.provider, sha256(message.body).hexdigest()) in refused
    return [
        *([f"{message.provider}: a forged notification was accepted"] if each.taken else []),
        *([] if kept else [f"{message.provider}: a forged notification is not in the inbox"]),
    ]
