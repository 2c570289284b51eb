"""Packages: the bells that are sold, and for how much real money; as operators keep them."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated

import msgspec
from msgspec import Meta

from lingdang.db.pool import Connection, Pool, fetch_all
from lingdang.errors import Problem, invalid_field
from lingdang.ids import DEFAULT_CURRENCY, MAX_AMOUNT, OWN_ID_PATTERN, REMARK_PATTERN, Currency, ruled
from lingdang.paging import Page, Window, page
from lingdang.topup.currencies import CURRENCIES
from lingdang.topup.money import Money, MoneyCurrency

PackageId = Annotated[str, Meta(pattern=OWN_ID_PATTERN, description="The platform's id of a package.")]
AccountName = Annotated[
    str,
    Meta(
        pattern=ruled(r"^[a-z][a-z0-9-]{0,31}\Z", "1 to 32 of a-z 0-9 -, the first a letter"),
        description="An account at a provider, as the settings call it.",
    ),
]
Bells = Annotated[int, Meta(ge=0, le=MAX_AMOUNT)]
MOST_BELLS = 10**9
"""Of a free amount: its price stays far inside int64."""
MOST_SHOWN = 500
"""Packages that customers are shown."""


class PerBell(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What bells of a free amount cost: `amount` minor units for each `bells` of them, rounded up in all."""

    amount: Annotated[int, Meta(ge=1, le=10**9)]
    currency: MoneyCurrency
    bells: Annotated[int, Meta(ge=1, le=10**9)] = 1


class Package(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="camel", omit_defaults=True, kw_only=True
):
    """What is sold: `paid` and `bonus` bells for a `price`, or a free amount of bells at a price `per_bell`.

    A free amount is from `least` to `most` bells, all of them paid ones. What is left of the bonus lapses
    `bonus_expires_after_days` after it was credited. It can be bought through the accounts in `providers`, through any
    when none is named; at stores it is the product that `store_products` names by account.
    """

    name: Annotated[str, Meta(pattern=REMARK_PATTERN)]
    currency: Currency = DEFAULT_CURRENCY
    paid: Bells = 0
    bonus: Bells = 0
    bonus_expires_after_days: Annotated[int, Meta(ge=1, le=3650)] | None = None
    price: Money | None = None
    per_bell: PerBell | None = None
    least: Annotated[int, Meta(ge=1, le=MOST_BELLS)] | None = None
    most: Annotated[int, Meta(ge=1, le=MOST_BELLS)] | None = None
    providers: Annotated[tuple[AccountName, ...], Meta(max_length=50)] = ()
    store_products: Annotated[dict[AccountName, Annotated[str, Meta(min_length=1, max_length=200)]], Meta()] = {}
    active: bool = True

    def __post_init__(self) -> None:
        wrong = _free_amount_fault(self) if self.per_bell is not None else _fixed_fault(self)
        if wrong:
            raise ValueError(wrong)

    @property
    def money(self) -> str:
        """The real currency of its price."""
        priced = self.price or self.per_bell
        assert priced is not None, "one of them is there"
        return priced.currency


def _free_amount_fault(package: Package) -> str | None:
    if package.price is not None or package.paid or package.bonus:
        return "`perBell` stands in the place of `price`, `paid` and `bonus`"
    if package.least is None or package.most is None or package.least > package.most:
        return "`perBell` needs `least` and `most`, and `least` is not above `most`"
    return "A free amount cannot be sold by a store" if package.store_products else None


def _fixed_fault(package: Package) -> str | None:
    if package.price is None or package.price.amount == 0:
        return "Expected a `price` above 0, or `perBell` with `least` and `most`"
    if package.least is not None or package.most is not None:
        return "`least` and `most` go with `perBell`"
    if not 1 <= package.paid + package.bonus <= MAX_AMOUNT:
        return "Expected 1 bell or more, and at most 10^15"
    return None


class PackageView(Package, frozen=True, rename="camel", kw_only=True):
    """A package as it is kept."""

    package_id: str
    created_at: datetime
    updated_at: datetime


_PUT = """
INSERT INTO topup_package AS p (package_id, definition, active, created_at, updated_at)
VALUES (%b, %b::text::json, %b, %b, %b)
ON CONFLICT (package_id) DO UPDATE
   SET definition = EXCLUDED.definition, active = EXCLUDED.active, updated_at = EXCLUDED.updated_at
RETURNING xmax = 0
"""
_COLUMNS = "SELECT package_id, definition::text, created_at, updated_at FROM topup_package"
_ONE = f"{_COLUMNS} WHERE package_id = %b"
_LIST = f"{_COLUMNS} WHERE package_id > %b ORDER BY package_id LIMIT %b"
_SOLD = f"{_COLUMNS} WHERE active ORDER BY package_id LIMIT {MOST_SHOWN}"

_encode = msgspec.json.Encoder().encode


def require_currency(package: Package) -> None:
    """Raises Problem `invalid_request` for a price in no currency: a typing error that no payer could ever pay."""
    if package.money not in CURRENCIES:
        where = "price" if package.price is not None else "per_bell"
        raise invalid_field(f"{where}.currency", f"{package.money} is no currency of ISO 4217")


async def put_package(connection: Connection, package_id: str, package: Package, now: datetime) -> bool:
    """Create a package (True), or replace it. What was begun before stays as it was agreed.

    Raises Problem `invalid_request` as `require_currency`.
    """
    require_currency(package)
    values = (package_id, _encode(package).decode(), package.active, now, now)
    [(created,)] = await (await connection.execute(_PUT, values, binary=True)).fetchall()
    return bool(created)


async def get_package(pool: Pool, package_id: str) -> PackageView:
    """One package, active or not. Raises Problem `not_found` or `overloaded`."""
    for row in await fetch_all(pool, _ONE, (package_id,)):
        return _view(*row)
    raise Problem("not_found")


async def list_packages(pool: Pool, window: Window) -> Page[PackageView]:
    """Every package by its id."""
    views = [_view(*row) for row in await fetch_all(pool, _LIST, (window.after or "", window.limit + 1))]
    return page(views, [view.package_id for view in views], window.limit)


async def packages_sold(pool: Pool) -> Sequence[PackageView]:
    """Those that customers may buy."""
    return [_view(*row) for row in await fetch_all(pool, _SOLD)]


def _view(package_id: str, definition: str, created_at: datetime, updated_at: datetime) -> PackageView:
    kept: Mapping[str, object] = msgspec.json.decode(definition)
    given = {**kept, "packageId": package_id}
    moments = {"createdAt": created_at, "updatedAt": updated_at}
    return msgspec.convert({**given, **moments}, PackageView)
