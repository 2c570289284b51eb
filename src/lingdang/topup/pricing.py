"""What a package costs: the bells and the money that a customer agrees to. Pure."""

from typing import Annotated

import msgspec
from msgspec import Meta

from lingdang.errors import Problem, invalid_field
from lingdang.ids import Currency
from lingdang.topup.money import Money
from lingdang.topup.packages import Bells, Package


class Terms(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """So many bells for so much money. What is left of the bonus lapses so many days after it was credited."""

    currency: Currency
    paid: Bells
    bonus: Bells
    price: Money
    bonus_expires_after_days: Annotated[int, Meta(ge=1, le=3650)] | None = None


def agree(package: Package, amount: int | None) -> Terms | Problem:
    """What is agreed for a package; `amount` is the bells of a free amount, and None for any other."""
    if package.price is not None:
        if amount is not None:
            return invalid_field("amount", "This package has no free amount")
        return Terms(package.currency, package.paid, package.bonus, package.price, package.bonus_expires_after_days)
    assert package.per_bell is not None, "a package has a price or a price of a bell"
    assert package.least is not None, "with its bounds"
    assert package.most is not None, "both of them"
    if amount is None or not package.least <= amount <= package.most:
        return invalid_field("amount", f"Expected {package.least} to {package.most} bells")
    price = Money(-(-amount * package.per_bell.amount // package.per_bell.bells), package.per_bell.currency)
    return Terms(package.currency, amount, 0, price, package.bonus_expires_after_days)


def refuse_other(shown: Terms | None, agreed: Terms) -> None:
    """Raises Problem `terms_changed`, with those of now, where the customer was shown other ones."""
    if shown is not None and _as_read(shown) != _as_read(agreed):
        raise Problem("terms_changed", terms=agreed)


def _as_read(terms: Terms) -> Terms:
    """Without a bonus nobody reads when it lapses."""
    return terms if terms.bonus else msgspec.structs.replace(terms, bonus_expires_after_days=None)
