"""A consumer of events that knows nothing but what they tell, and what it rebuilds; and the shop's own books."""

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any, NamedTuple

import psycopg

Event = dict[str, Any]


class Books(NamedTuple):
    """Lots by customer and currency, orders by their ids, the source of each right, and which order used a voucher.

    `owed` and `frozen` are bells by customer and currency, `stands` what was taken back of a top-up, by its id; where
    there are any.
    """

    wallets: dict[tuple[str, str], tuple[int, dict[str, int]]]
    orders: dict[str, dict[str, Any]]
    rights: dict[tuple[str, str], str]
    used: dict[str, str]
    owed: dict[tuple[str, str], int]
    frozen: dict[tuple[str, str], int]
    stands: dict[str, int]


def who(event: Event) -> str:
    """Whom an event is about, erased customers too."""
    return str(event["custId"]) if "custId" in event else f"erased {event['erased']}"


class Consumer:
    """What is known by the events that came so far; one that comes again changes nothing."""

    def __init__(self) -> None:
        self.events: dict[str, Event] = {}

    def take(self, events: Iterable[Event]) -> None:
        """Take events in the order in which they come; `feed.reset` drops what is later and came before."""
        for event in events:
            if event["type"] == "feed.reset" and event["id"] not in self.events:
                self.drop_after(event["data"]["lastTrue"])
            self.events.setdefault(event["id"], event)

    def drop_after(self, last_true: str) -> None:
        """Forget what stands behind a position."""
        kept = {name: each for name, each in self.events.items() if int(each["position"]) <= int(last_true)}
        self.events = kept

    def rebuilt(self) -> Books:
        """The books, each customer's rows in the order of their seq, of which none may be missing."""
        rows: dict[str, list[Event]] = {}
        for event in self.events.values():
            if "seq" in event:
                rows.setdefault(who(event), []).append(event)
        books = Books({}, {}, {}, {}, {}, {}, {})
        for customer, events in rows.items():
            events.sort(key=lambda event: int(event["seq"]))
            assert [event["seq"] for event in events] == list(range(1, len(events) + 1)), (
                f"{customer}: a seq is missing"
            )
            times = [datetime.fromisoformat(event["time"]) for event in events]
            assert times == sorted(times), f"{customer}: time ran backwards"
            for event in events:
                _apply(books, customer, event["type"], event["data"])
        return books


def _apply(books: Books, customer: str, kind: str, data: dict[str, Any]) -> None:
    if "lots" in data:
        _move(books, customer, data)
        _owe(books, customer, kind, data)
    if kind == "order.paid":
        books.orders[data["orderId"]] = {
            "customer": customer,
            "currency": data["currency"],
            "total": data["total"],
            "discount": data["discount"],
            "subtotal": data["subtotal"],
            "lines": [(each["productId"], each["price"], each.get("discount", 0)) for each in data["lines"]],
            "titles": [(each["title"], each.get("publisher"), each["listPrice"]) for each in data["lines"]],
            "vouchers": [(each["voucherId"], each["saves"]) for each in data["vouchers"]],
            "refunds": [],
        }
        books.rights.update({(customer, product): data["orderId"] for product in data["granted"]})
        books.used.update({each["voucherId"]: data["orderId"] for each in data["vouchers"]})
    elif kind == "order.refunded":
        returned = [(each["productId"], each["amount"]) for each in data["lines"]]
        books.orders[data["orderId"]]["refunds"].append((data["refundId"], returned, data["reason"]))
        for product in data["revoked"]:
            assert books.rights.pop((customer, product)) == data["orderId"]
        for voucher in data["vouchers"]:
            assert books.used.pop(voucher) == data["orderId"]
    elif kind == "entitlement.granted":
        assert (customer, data["productId"]) not in books.rights
        books.rights[customer, data["productId"]] = data["grantId"]
    elif kind == "entitlement.revoked":
        del books.rights[customer, data["productId"]]


def _move(books: Books, customer: str, data: dict[str, Any]) -> None:
    key = (customer, data["currency"])
    lots = dict(books.wallets.get(key, (0, {}))[1])
    for change in data["lots"]:
        name = change["kind"]
        if "expiresAt" in change:
            end = datetime.fromisoformat(change["expiresAt"]).astimezone(UTC)
            name = f"{name}@{end.isoformat(timespec='milliseconds').replace('+00:00', 'Z')}"
        lots[name] = lots.get(name, 0) + change["amount"]
        assert lots[name] >= 0
    kept = {name: amount for name, amount in lots.items() if amount}
    assert sum(kept.values()) == data["balance"], "the balance is what the lots hold"
    books.wallets[key] = (data["balance"], kept)


def _owe(books: Books, customer: str, kind: str, data: dict[str, Any]) -> None:
    """Debts, frozen bells, and how a top-up stands."""
    key = (customer, data["currency"])
    _add(books.owed, key, data.get("debtAdded", 0) - data.get("debtPaid", 0))
    frozen = -data.get("fromFrozen", 0)
    if kind == "wallet.frozen" or (kind == "wallet.released" and data["origin"] == "frozen"):
        frozen -= data["amount"]
    _add(books.frozen, key, frozen)
    if kind == "wallet.taken_back" and "topupId" in data:
        _add(books.stands, data["topupId"], data.get("debtAdded", 0) + data.get("fromFrozen", 0) - data["amount"])
    elif kind == "wallet.released" and data["origin"] == "taken-back":
        _add(books.stands, data["topupId"], -data["amount"])
    assert not (books.owed.get(key) and data["balance"]), "a wallet in debt is empty"


def _add(sums: dict[Any, int], key: object, amount: int) -> None:
    """Nothing of it is ever below 0, and what is 0 is not there."""
    sums[key] = sums.get(key, 0) + amount
    assert sums[key] >= 0
    if not sums[key]:
        del sums[key]


def books_of(database_url: str) -> Books:
    """What the database has of all that."""
    with psycopg.connect(database_url) as connection:
        return _books(lambda statement: connection.execute(statement.encode()).fetchall())


def _books(rows: Callable[[str], list[tuple[Any, ...]]]) -> Books:

    wallets = {
        (customer, currency): (balance, dict(zip(lots, remaining, strict=True)))
        for customer, currency, balance, lots, remaining in rows(
            "SELECT customer_id, currency, balance, lots, remaining FROM wallet JOIN customer USING (customer)"
            " WHERE currency <> ''"
        )
    }
    orders = {
        str(order_id): {
            "customer": customer,
            "currency": currency,
            "total": total,
            "discount": discount,
            "subtotal": subtotal,
            "lines": [(line[0], line[4], line[5]) for line in lines],
            "titles": [(line[1], line[2], line[3]) for line in lines],
            "vouchers": [(voucher, saves) for voucher, saves in vouchers],
            "refunds": [
                (name, [(product, amount) for product, amount in returned], reason)
                for name, returned, reason, _ in refunds
            ],
        }
        for order_id, customer, currency, total, discount, subtotal, lines, vouchers, refunds in rows(
            "SELECT order_id, customer_id, currency, total, discount, subtotal, lines, vouchers, refunds"
            " FROM orders JOIN customer USING (customer)"
        )
    }
    rights = {
        (customer, product): source
        for customer, product, source in rows(
            "SELECT customer_id, product_id, journal_reference(t.kind, t.cause, t.detail) FROM entitlement e"
            " JOIN customer USING (customer)"
            " JOIN transfer t ON t.customer = e.customer AND t.seq = e.granted_by AND t.bucket = e.bucket"
        )
    }
    used = {
        str(voucher): str(order)
        for voucher, order in rows("SELECT voucher_id, used_by FROM voucher WHERE used_by IS NOT NULL")
    }
    owed = {
        (customer, currency): debt
        for customer, currency, debt in rows(
            "SELECT customer_id, currency, debt FROM wallet JOIN customer USING (customer) WHERE debt > 0"
        )
    }
    frozen = {
        (customer, currency): int(amount)
        for customer, currency, amount in rows(
            "SELECT customer_id, currency, sum(amount) FROM entry JOIN customer USING (customer)"
            " WHERE account = 'frozen' GROUP BY 1, 2 HAVING sum(amount) <> 0"
        )
    }
    # What was cleared of a top-up is what is not taken back of it.
    stands = {
        topup: int(amount)
        for topup, amount in rows(
            "SELECT t.detail->>'topupId', sum(e.amount) FROM entry e JOIN transfer t USING (bucket, customer, seq)"
            " WHERE t.kind IN ('takeback', 'giveback') AND e.account LIKE 'clearing:%' GROUP BY 1"
            " HAVING sum(e.amount) <> 0"
        )
    }
    return Books(wallets, orders, rights, used, owed, frozen, stands)
