"""What a package costs: the bells and the money that a customer agrees to. Pure."""

import msgspec

from lingdang.errors import Problem, invalid_field
from lingdang.topup.money import Money
from lingdang.topup.packages import Package


class Agreed(msgspec.Struct, frozen=True):
    """So many bells for so much money."""

    paid: int
    bonus: int
    price: Money


def agree(package: Package, amount: int | None) -> Agreed | Problem:
    """What is agreed for a package; `amount` is the bells of a free amount, and None for any other."""
    if package.price is not None:
        if amount is not None:
            return invalid_field("amount", "This package has no free amount")
        return Agreed(package.paid, package.bonus, package.price)
    assert package.per_bell is not None, "a package has a price or a price of a bell"
    assert package.least is not None, "with its bounds"
    assert package.most is not None, "both of them"
    if amount is None or not package.least <= amount <= package.most:
        return invalid_field("amount", f"Expected {package.least} to {package.most} bells")
    price = -(-amount * package.per_bell.amount // package.per_bell.bells)
    return Agreed(amount, 0, Money(price, package.per_bell.currency))
