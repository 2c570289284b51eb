"""Stripe's own minor units, which are those of ISO 4217 but for few currencies (docs.stripe.com/currencies).

It counts ISK and UGX in hundredths, though they have none, and MGA in whole ariary. Of currencies with three digits it
takes no last digit but 0.
"""

from lingdang.topup.money import Money, digits
from lingdang.topup.providers.provider import Refused

_HUNDREDTHS = frozenset({"ISK", "UGX"})
_WHOLE = frozenset({"MGA"})
_TENS = (1, 10, 100, 1000)


def stripe_digits(currency: str) -> int:
    """How many digits stand behind the point of an amount as Stripe counts it."""
    if currency in _HUNDREDTHS:
        return 2
    return 0 if currency in _WHOLE else digits(currency)


def to_stripe(money: Money) -> int:
    """The amount as Stripe is told it. Raises Refused for one that it cannot take."""
    amount, rest = divmod(money.amount * _TENS[stripe_digits(money.currency)], _TENS[digits(money.currency)])
    if rest or (digits(money.currency) == 3 and amount % 10):
        raise Refused("amount")
    return amount


def from_stripe(amount: int, currency: str) -> Money:
    """The money that Stripe told, its currency in lower case as it writes it."""
    code = currency.upper()
    return Money(amount * _TENS[digits(code)] // _TENS[stripe_digits(code)], code)
