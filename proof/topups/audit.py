"""What the database holds at the end, compared with what the payers and their banks did."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from hashlib import sha256
from typing import Any

import msgspec
import psycopg

from lingdang.ledger.reconcile import reconcile
from lingdang.topup.inbox import PROBE
from proof.standin.desk import Message
from proof.topups.plan import BOOK, Story
from proof.topups.sending import Answered

# Whatever happens between the wallet, what is frozen and what is owed, clearing accounts have what came and went.
_BELLS = """
SELECT t.detail->>'topupId', -sum(l.amount) FILTER (WHERE l.account LIKE 'clearing:%'),
       count(DISTINCT t.cause) FILTER (WHERE t.kind = 'topup')
  FROM transfer t CROSS JOIN ROWS FROM (json_array_elements_text(t.accounts), unnest(t.amounts)) l (account, amount)
 WHERE t.kind IN ('topup', 'takeback', 'giveback', 'freeze', 'release') GROUP BY 1
"""
_STANDS = "SELECT topup_id::text, status, differs FROM topup WHERE customer <> 0"
_STRAYS = "SELECT account, status, differs FROM topup WHERE customer = 0"
_WALLETS = "SELECT customer, balance - debt, balance > 0 AND debt > 0 FROM wallet"
_REFUSED = """
SELECT account, split_part(entry, ' ', 2), verdict FROM topup_notification WHERE entry LIKE 'refused %'
"""
_OVERDUE = "SELECT count(*) FROM topup_waiting"

Kept = Mapping[tuple[str, str], frozenset[str]]
"""The verdicts of what was refused, by account and body."""


def audit(connection: psycopg.Connection[Any], told: Mapping[str, Story], answered: Sequence[Answered]) -> list[str]:
    """What is wrong, in sentences. `told` has the stories by the ids of their top-ups."""
    bells = {str(name): (int(net or 0), int(rows)) for name, net, rows in connection.execute(_BELLS)}
    stands = {str(name): (str(status), list(differs)) for name, status, differs in connection.execute(_STANDS)}
    told = {name: _as_asked(story, stands[name]) for name, story in told.items()}
    kept = _kept(connection.execute(_REFUSED))
    [(waiting,)] = connection.execute(_OVERDUE).fetchall()
    return [
        *(fault for name, story in told.items() for fault in _wrong(name, story, bells.get(name, (0, 0)))),
        *(fault for name, story in told.items() for fault in _stands(name, story, stands[name])),
        *(f"bells of a top-up that nobody began: {name}" for name in bells.keys() - told.keys()),
        *_strays(told.values(), connection.execute(_STRAYS)),
        *_wallets(told.values(), connection.execute(_WALLETS)),
        *(fault for each in answered for fault in _unlike(each, kept)),
        *([f"{waiting} notifications wait"] if waiting else []),
        *(f"reconcile: {difference}" for difference in reconcile(connection).differences),
    ]


def _as_asked(story: Story, found: tuple[str, list[str]]) -> Story:
    """A provider that named another order says whose payment it was when it is asked, after half a minute."""
    return msgspec.structs.replace(story, wrong=None) if story.wrong == "order" and found == ("paid", []) else story


def _kept(rows: Iterable[Any]) -> Kept:
    kept: dict[tuple[str, str], frozenset[str]] = {}
    for account, digest, verdict in rows:
        key = (str(account), str(digest))
        kept[key] = kept.get(key, frozenset()) | {str(verdict)}
    return kept


def _wrong(name: str, story: Story, found: tuple[int, int]) -> list[str]:
    expected = (story.credited, int(story.wrong is None))
    return [] if found == expected else [f"{name} {story}: (bells, credits) are {found}, not {expected}"]


def _stands(name: str, story: Story, found: tuple[str, list[str]]) -> list[str]:
    """What is not as agreed is in review with what differs; what names another order is nothing of this one's."""
    expected = (story.status, [story.wrong] if story.status == "review" else [])
    return [] if found == expected else [f"{name} {story}: stands as {found}, not {expected}"]


def _strays(stories: Iterable[Story], rows: Iterable[Any]) -> list[str]:
    """Each payment that names no top-up waits for an operator, once."""
    expected = Counter(story.kind for story in stories if story.wrong == "order")
    found = Counter(account for account, status, differs in rows if (status, differs) == ("review", ["unknown"]))
    return [] if found == expected else [f"payments of nobody: {dict(found)}, not {dict(expected)}"]


def _wallets(stories: Iterable[Story], rows: Iterable[Any]) -> list[str]:
    """Customers have what they paid for less what they spent, and what went back; what is missing they owe."""
    expected: Counter[int] = Counter()
    for story in stories:
        expected[story.customer + 1] += story.credited - BOOK * story.books
    faults = []
    for customer, net, both in rows:
        if net != expected[customer] or both:
            faults.append(f"customer {customer}: has {net}, not {expected[customer]}" + (" beside a debt" * both))
    return faults


def _unlike(each: Answered, kept: Kept) -> list[str]:
    message, meant = each.sent.message, each.sent.refused
    if each.taken is None:
        return [f"{message.provider}: a notification was never answered"]
    if meant is None:
        return [] if each.taken else [f"{message.provider}: a genuine notification was refused"]
    verdicts = _verdicts(kept, message, meant)
    right = any(verdict == meant or verdict.startswith(f"{meant}:") for verdict in verdicts)
    return [
        *([f"{message.provider}: a notification was accepted that was to be {meant}"] if each.taken else []),
        *([] if right else [f"{message.provider}: the inbox says {sorted(verdicts) or 'nothing'}, not {meant}"]),
    ]


def _verdicts(kept: Kept, message: Message, meant: str) -> frozenset[str]:
    """What the inbox says of a message. Of probes it keeps one a minute."""
    if meant == PROBE:
        return frozenset().union(*(found for (account, _), found in kept.items() if account == message.provider))
    return kept.get((message.provider, sha256(message.body).hexdigest()), frozenset())
