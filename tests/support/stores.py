"""A store of apps whose purchases a test makes."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Literal
from uuid import UUID

from lingdang.topup.money import Money
from lingdang.topup.providers.provider import (
    Action,
    Begun,
    Channel,
    Forged,
    GivenBack,
    Listing,
    Notification,
    NotificationReply,
    Order,
    Refused,
    Standing,
    Unavailable,
)

PRODUCT = "bells.600"


class Store:
    """Its proofs are `good ID`; a notification is `evidence ID`. Amounts are in the buyer's currency."""

    kind = "apple"
    channels: Sequence[Channel] = ("store",)
    currencies: Sequence[str] | None = None
    listing = Listing(ready=timedelta(hours=1), whole=False)

    def __init__(self) -> None:
        self.finished: list[str] = []
        self.told: list[tuple[str, int]] = []
        self.away = False
        self.refunded: int | None = None
        self.state: Literal["paid", "open"] = "paid"
        self.clock = datetime(2026, 11, 23, tzinfo=UTC)
        self.unwilling: set[str] = set()
        """References that it refuses to finish, questions whose answer it refuses, proofs of which it says nothing."""

    def begin(self, order: Order) -> Begun:
        return Begun(action=Action(kind="store", params={"appAccountToken": str(order.topup_id)}))

    def read(self, headers: Mapping[str, str], body: bytes, now: datetime) -> Notification:
        word, _, named = body.decode().partition(" ")
        if word != "evidence":
            raise Forged("signature")
        return Notification(id=named, type="QUESTION", at=now, standing=self._of(named), evidence=f"q-{named}")

    def reply(self, accepted: bool) -> NotificationReply:
        return NotificationReply(200 if accepted else 400)

    def ask(self, topup_id: UUID, reference: str | None) -> Standing | None:
        return None

    def close(self, topup_id: UUID, reference: str | None) -> Standing | None:
        return None

    def refund(self, topup_id: UUID, reference: str, refund_id: str, amount: Money, received: Money) -> GivenBack:
        raise Refused("not_here")

    def list_day(self, day: date) -> Iterable[Standing]:
        return ()

    def purchase(self, proof: str, now: datetime) -> Standing:
        if proof in self.unwilling:
            raise Refused("not_here")
        word, _, named = proof.partition(" ")
        if word != "good":
            raise Forged("signature")
        return self._of(named)

    def finish(self, reference: str) -> None:
        if self.away:
            raise Unavailable
        if reference in self.unwilling:
            raise Refused("not_here")
        self.finished.append(reference)

    def tell_consumed(self, evidence: str, consumed: int) -> None:
        if evidence in self.unwilling:
            raise Refused("consent")
        self.told.append((evidence, consumed))

    def _of(self, named: str) -> Standing:
        return Standing(
            topup_id=None if named == "nobody" else UUID(named),
            reference=f"store-{named}",
            state=self.state,
            at=self.clock,
            received=Money(99, "USD") if self.state == "paid" else None,
            refunded=self.refunded if self.state == "paid" else None,
            store_product=PRODUCT,
            payer_account=None if named == "nobody" else named,
        )
