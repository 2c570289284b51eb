"""Control totals: what the files give, what the shop has of it, and what the shop holds in all."""

import msgspec

from lingdang.moving.staging import Connection

_GIVEN = """
SELECT kind, coalesce(currency, ''), coalesce(origin, ''), state, count(*), coalesce(sum(amount), 0)
  FROM due GROUP BY 1, 2, 3, 4
 UNION ALL
SELECT kind, currency, origin, 'before', rows, bells FROM done
 UNION ALL
SELECT 'order', currency, '', state, count(*), sum(total) FROM due_order GROUP BY currency, state
"""
_BOOKED = """
SELECT d.kind, coalesce(d.currency, ''), coalesce(d.origin, ''), count(*),
       sum(t.amount + debt_paid(t.accounts, t.amounts))
  FROM due d JOIN transfer t ON t.cause = d.cause AND t.customer = d.customer GROUP BY 1, 2, 3
 UNION ALL
SELECT kind, currency, origin, rows, bells FROM done
 UNION ALL
SELECT 'order', p.currency, '', count(*), sum(p.total)
  FROM due_order d JOIN past_order p USING (customer, order_id) WHERE p.move = %(move)s GROUP BY p.currency
"""
_HELD = """
SELECT w.currency, split_part(l.name, '@', 1), count(*), sum(l.amount)
  FROM wallet w, unnest(w.lots, w.remaining) AS l (name, amount) GROUP BY 1, 2 ORDER BY 1, 2
"""
_COUNTED = """
SELECT (SELECT count(*) FROM customer), (SELECT count(*) FROM entitlement), (SELECT count(*) FROM past_order)
"""


class Sum(msgspec.Struct):
    """Rows, and the bells in them; of past orders, the sum of their totals."""

    rows: int = 0
    bells: int = 0

    def add(self, rows: int, bells: int) -> None:
        """Add so many."""
        self.rows += rows
        self.bells += bells


class Control(msgspec.Struct):
    """Lots of one currency and origin, past orders of one currency, or rights: good rows, and what became of them.

    `before`: moved in by an earlier run. `owned`: rights that were there without the move, and orders of this shop.
    `moved`: by this run. `booked`: counted anew afterwards, in the journal or among the past orders.
    """

    kind: str
    currency: str
    origin: str
    given: Sum
    before: Sum
    owned: Sum
    moved: Sum
    booked: Sum

    @property
    def agrees(self) -> bool:
        """Whether the shop has what the files give, no more and no less."""
        has = self.booked.rows + self.owned.rows, self.booked.bells + self.owned.bells
        return has == (self.given.rows, self.given.bells)


class Held(msgspec.Struct):
    """The bells of one currency and origin in all wallets, in so many lots."""

    currency: str
    origin: str
    lots: int
    bells: int


class ShopTotals(msgspec.Struct):
    """What the shop holds in all."""

    customers: int
    rights: int
    past_orders: int
    wallets: list[Held]


class Controls:
    """The control totals of one run, by kind, currency and origin."""

    def __init__(self) -> None:
        self._found: dict[tuple[str, str, str], Control] = {}

    def of(self, kind: str, currency: str | None, origin: str | None) -> Control:
        """The totals of these."""
        key = (kind, currency or "", origin or "")
        if key not in self._found:
            self._found[key] = Control(*key, Sum(), Sum(), Sum(), Sum(), Sum())
        return self._found[key]

    def count_given(self, connection: Connection) -> None:
        """Count what the files give: before anything is carried out."""
        for kind, currency, origin, state, rows, bells in connection.execute(_GIVEN):
            control = self.of(kind, currency, origin)
            control.given.add(rows, int(bells))
            if state != "new":
                (control.before if state == "before" else control.owned).add(rows, int(bells))

    def count_booked(self, connection: Connection, move: str) -> None:
        """Count in the journal, and among the past orders, what they have of the rows that the files give."""
        for kind, currency, origin, rows, bells in connection.execute(_BOOKED, {"move": move}):
            self.of(kind, currency, origin).booked.add(rows, int(bells))

    def all(self) -> list[Control]:
        """In the order of their names."""
        return [self._found[key] for key in sorted(self._found)]


def shop_totals(connection: Connection) -> ShopTotals:
    """Count what the shop holds."""
    row = connection.execute(_COUNTED).fetchone()
    assert row is not None, "counts are one row"
    held = connection.execute(_HELD).fetchall()
    wallets = [Held(currency, origin, lots, int(bells)) for currency, origin, lots, bells in held]
    customers, rights, past_orders = row
    return ShopTotals(customers, rights, past_orders, wallets)
