"""How each customer stood after each row of their journal, and which of these standings a request may have met."""

from dataclasses import dataclass, field, replace

from proof.simulation.audit.evidence import Evidence, Key, Row, lots_of
from proof.simulation.audit.topups import BACK
from proof.simulation.history import History, Request


@dataclass(frozen=True)
class Standing:
    """After the row `seq`: what the customer owns and by which row, orders and their refunded lines, vouchers used."""

    seq: int = 0
    rights: dict[str, int] = field(default_factory=dict)
    orders: dict[str, Row] = field(default_factory=dict)
    gone: dict[str, list[str]] = field(default_factory=dict)
    """Refunded products by order."""
    frauds: frozenset[str] = frozenset()
    """Orders of which something was refunded for fraud."""
    used: dict[str, str] = field(default_factory=dict)
    """Vouchers, and the orders that used them up."""
    balances: dict[str, int] = field(default_factory=dict)
    """By currency, as the rows say."""
    held: dict[tuple[str, str], int] = field(default_factory=dict)
    """By currency and lot, as the rows say."""
    debts: dict[str, int] = field(default_factory=dict)
    """By currency, as the rows say."""
    topups: dict[str, tuple[int, int]] = field(default_factory=dict)
    """Bells that are taken back and frozen of each, as the rows say."""
    clashes: tuple[str, ...] = ()
    """What the row did that could not be done."""

    def left(self, order_id: str) -> list[Row]:
        """The lines of a paid order that were not refunded."""
        gone = self.gone.get(order_id, [])
        return [line for line in self.orders[order_id]["lines"] if line["productId"] not in gone]

    def is_fraud(self, order_id: str) -> bool:
        """Whether something of the order was refunded for fraud."""
        return order_id in self.frauds

    def has_bought(self) -> bool:
        """Whether there is an order above 0 bells that is not wholly refunded."""
        return any(order["total"] > 0 and self.left(order_id) for order_id, order in self.orders.items())


class Chronicle:
    """The standings of all customers."""

    def __init__(self, history: History, evidence: Evidence) -> None:
        self._evidence = evidence
        self._standings = {cust_id: _standings(rows, evidence) for cust_id, rows in evidence.transfers.items()}
        begun: dict[tuple[str, int], int] = {}
        self._known: dict[str, list[tuple[int, int]]] = {}
        for request in history.requests:
            row = row_of(request, evidence)
            if row is None:
                continue
            place = (request.cust_id, int(row["seq"]))
            begun[place] = min(begun.get(place, request.sent), request.sent)
            if request.outcome == "ok":
                self._known.setdefault(request.cust_id, []).append((request.answered, place[1]))
        self._begun = begun

    def all(self, cust_id: str) -> list[Standing]:
        """Every standing, from the first to the last."""
        return self._standings.get(cust_id, [Standing()])

    def last(self, cust_id: str) -> Standing:
        """How the customer stands in the end."""
        return self.all(cust_id)[-1]

    def before(self, cust_id: str, seq: int) -> Standing:
        """How the customer stood before a row."""
        return self.all(cust_id)[: max(seq, 1)][-1]

    def met(self, request: Request) -> list[Standing]:
        """Those that the request may have met: none older than what was acknowledged before it was sent, and none
        with a row that nobody had asked for when it was answered.
        """
        known = self._known.get(request.cust_id, [])
        first = max((seq for answered, seq in known if answered < request.sent), default=0)
        standings = self.all(request.cust_id)
        last = first
        while last + 1 < len(standings) and self._begun.get((request.cust_id, last + 1), 0) < request.answered:
            last += 1
        return standings[first : last + 1]


def row_of(request: Request, evidence: Evidence) -> Row | None:
    """What the journal has under the id that a request names, whoever's request brought it there."""
    if request.kind == "payment":
        return evidence.orders.get(request.wanted["orderId"])
    if request.kind == "deposit":
        return evidence.credits.get((request.cust_id, request.wanted["creditId"]))
    named: dict[str, dict[Key, Row]] = {
        "adjustment": evidence.adjustments,
        "reversal": evidence.reversals,
        "refund": evidence.refunds,
        "grant": evidence.grants,
        "revocation": evidence.revocations,
        "topup": evidence.topups,
        "gift": evidence.gifts,
    }
    return named[request.kind].get((request.cust_id, *request.wanted["id"])) if request.kind in named else None


def _standings(rows: list[Row], evidence: Evidence) -> list[Standing]:
    standings = [Standing()]
    for row in rows:
        standings.append(_after(standings[-1], row, evidence))
    return standings


def _after(before: Standing, row: Row, evidence: Evidence) -> Standing:
    balances = before.balances | {row["currency"]: row["balance"]}
    held = before.held.copy()
    for lot, amount in lots_of(row):
        held[row["currency"], lot] = held.get((row["currency"], lot), 0) + amount
    standing = replace(before, seq=before.seq + 1, balances=balances, held=held, debts=_debts(before, row), clashes=())
    if row["kind"] in ("topup", *BACK):
        return replace(standing, topups=standing.topups | _topup(standing, row))
    if row["kind"] == "payment":
        return _paid(standing, evidence.orders[row["cause"]])
    if row["kind"] == "refund":
        refund = evidence.refunds[row["customer_id"], row["detail"]["by"], row["detail"]["refundId"]]
        return _refunded(standing, refund)
    if row["kind"] == "grant":
        return _granted(standing, row)
    if row["kind"] == "revocation":
        granted = [grant["seq"] for key, grant in evidence.grants.items() if key[0] == row["customer_id"]]
        return _revoked(standing, row["detail"]["productId"], granted)
    return standing


def _debts(before: Standing, row: Row) -> dict[str, int]:
    legs = dict(zip(map(str, row["accounts"]), row["amounts"], strict=True))
    return before.debts | {row["currency"]: before.debts.get(row["currency"], 0) - legs.get("debt", 0)}


def _topup(standing: Standing, row: Row) -> dict[str, tuple[int, int]]:
    """What is taken back and frozen of a top-up after one of its rows."""
    detail = row["detail"]
    taken, frozen = standing.topups.get(detail["topupId"], (0, 0))
    of = sum(amount for _, amount in detail.get("of", []))
    thawed = sum(amount for _, amount in detail.get("thawed", []))
    change = {"takeback": (of, -thawed), "giveback": (-of, 0), "freeze": (0, of), "release": (0, -of)}
    more, colder = change.get(row["kind"], (0, 0))
    return {detail["topupId"]: (taken + more, frozen + colder)}


def _granted(standing: Standing, row: Row) -> Standing:
    product_id = row["detail"]["productId"]
    clashes = ("nothing is bought twice",) if product_id in standing.rights else ()
    return replace(standing, rights=standing.rights | {product_id: row["seq"]}, clashes=clashes)


def _revoked(standing: Standing, product_id: str, granted: list[int]) -> Standing:
    clashes = () if standing.rights.get(product_id) in granted else ("a revocation ends what a grant gave",)
    rights = {name: seq for name, seq in standing.rights.items() if name != product_id}
    return replace(standing, rights=rights, clashes=clashes)


def _paid(standing: Standing, order: Row) -> Standing:
    products: list[str] = [line["productId"] for line in order["lines"]]
    vouchers: list[str] = [voucher["voucherId"] for voucher in order["vouchers"]]
    twice = (
        ("nothing is bought twice", bool(standing.rights.keys() & set(products))),
        ("vouchers are used once", bool(standing.used.keys() & set(vouchers))),
    )
    return replace(
        standing,
        rights=standing.rights | {name: int(order["seq"]) for name in products},
        orders=standing.orders | {order["order_id"]: order},
        used=standing.used | {name: str(order["order_id"]) for name in vouchers},
        clashes=tuple(promise for promise, broken in twice if broken),
    )


def _refunded(standing: Standing, refund: Row) -> Standing:
    """The right goes with the line, where the order gave it; vouchers come back as the row says."""
    order_id = refund["orderId"]
    order = standing.orders.get(order_id)
    if order is None:
        return replace(standing, clashes=("a refund is of an order that was paid",))
    products = [product_id for product_id, _ in refund["lines"]]
    ended = {name for name in products if standing.rights.get(name) == order["seq"]}
    back = {name for name in refund["vouchers"] if standing.used.get(name) == order_id}
    gone = standing.gone.get(order_id, [])
    twice = (
        ("a refunded line is not refunded again", bool(set(gone) & set(products))),
        ("vouchers come back once", len(back) < len(refund["vouchers"])),
    )
    return replace(
        standing,
        rights={name: seq for name, seq in standing.rights.items() if name not in ended},
        gone=standing.gone | {order_id: [*gone, *products]},
        frauds=standing.frauds | ({order_id} if refund["reason"] == "fraud" else set()),
        used={name: by for name, by in standing.used.items() if name not in back},
        clashes=tuple(promise for promise, broken in twice if broken),
    )
