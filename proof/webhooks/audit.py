"""What arrived, compared with the journal: each event of each customer, in order, whatever happened on the way."""

from collections.abc import Sequence
from datetime import datetime
from itertools import pairwise
from typing import Any

import msgspec
import psycopg

from proof.webhooks.receiver import Delivery

Journal = dict[str, list[int]]
"""By customer, the `seq`s that must have arrived."""


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """What came of one endpoint. Delays are seconds from the event to its first arrival."""

    endpoint: str
    events: int
    requests: int
    repeats: int
    missing: int
    out_of_order: int
    p50: float
    p99: float

    @property
    def is_clean(self) -> bool:
        """Whether every event arrived, and each customer's in order."""
        return self.events > 0 and self.missing == self.out_of_order == 0


def journal_of(connection: psycopg.Connection[Any], after: int) -> Journal:
    """The rows of the journal behind a position, by customer."""
    rows = connection.execute(
        "SELECT c.customer_id, array_agg(t.seq ORDER BY t.seq) FROM transfer t JOIN customer c USING (customer)"
        " WHERE t.position > %s GROUP BY 1",
        (after,),
    )
    return dict(rows.fetchall())


def audit(endpoint: str, journal: Journal, accepted: Sequence[Delivery]) -> Verdict:
    """Compare what was accepted at an endpoint with the journal. Order is that of first arrivals."""
    arrivals: dict[str, list[int]] = {cust_id: [] for cust_id in journal}
    delays: list[float] = []
    known: set[str] = set()
    repeats = 0
    for delivery in accepted:
        for event in delivery.events:
            if event["id"] in known:
                repeats += 1
                continue
            known.add(event["id"])
            if "seq" in event:
                arrivals.setdefault(event["custId"], []).append(event["seq"])
                delays.append(delivery.at - datetime.fromisoformat(event["time"]).timestamp())
    delays.sort()
    return Verdict(
        endpoint=endpoint,
        events=len(delays),
        requests=len(accepted),
        repeats=repeats,
        missing=sum(len(set(seqs) - set(arrivals[cust_id])) for cust_id, seqs in journal.items()),
        out_of_order=sum(a > b for seqs in arrivals.values() for a, b in pairwise(seqs)),
        p50=_at(delays, 50),
        p99=_at(delays, 99),
    )


def has_all(journal: Journal, accepted: Sequence[Delivery]) -> bool:
    """Whether everything has arrived by now."""
    there = {(event.get("custId"), event.get("seq")) for delivery in accepted for event in delivery.events}
    return all((cust_id, seq) in there for cust_id, seqs in journal.items() for seq in seqs)


def _at(ordered: Sequence[float], percent: int) -> float:
    return ordered[(len(ordered) - 1) * percent // 100] if ordered else 0.0
