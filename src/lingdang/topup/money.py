"""Money of the real world: whole minor units of an ISO 4217 currency. 6.00 yuan are 600 of CNY, 600 yen 600 of JPY."""

from typing import Annotated

import msgspec
from msgspec import Meta

from lingdang.ids import MAX_AMOUNT, ruled

MoneyCurrency = Annotated[
    str, Meta(pattern=ruled(r"^[A-Z]{3}\Z", "3 of A-Z"), description="A currency by its ISO 4217 code.")
]
Minor = Annotated[int, Meta(ge=0, le=MAX_AMOUNT, description="Whole minor units: fen, cents, yen.")]

_DIGITS = dict.fromkeys(
    ("BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "VND", "VUV", "XAF", "XOF", "XPF"), 0
) | dict.fromkeys(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"), 3)


class Money(msgspec.Struct, frozen=True, gc=False):
    """An amount of real money, in minor units, never below 0."""

    amount: Minor
    currency: MoneyCurrency


def digits(currency: str) -> int:
    """How many digits of the currency stand behind its point, by ISO 4217: 2 but for few."""
    return _DIGITS.get(currency, 2)


def decimal_text(money: Money) -> str:
    """The amount with its point, as Alipay writes it: `6.00` for 600 of CNY, `600` for 600 of JPY."""
    places = digits(money.currency)
    if places == 0:
        return str(money.amount)
    text = str(money.amount).rjust(places + 1, "0")
    return f"{text[:-places]}.{text[-places:]}"


def read_decimal(text: str, currency: str) -> Money:
    """The money that `decimal_text` wrote. Raises ValueError for a text of another form, or of finer parts."""
    whole, point, part = text.partition(".")
    places = digits(currency)
    if not (text.isascii() and whole.isdigit() and len(part) <= places and (part.isdigit() if point else True)):
        raise ValueError(f"no amount of {currency}: {text!r}")
    return Money(int(whole + part.ljust(places, "0")), currency)
