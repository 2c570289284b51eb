"""Real money as a reader's language writes it, for pages that have no script: as `Intl` does on the others."""

from lingdang.topup.money import Money, decimal_text

_SYMBOLS = {
    "BRL": "R$",
    "CAD": "CA$",
    "EUR": "€",
    "GBP": "£",
    "HKD": "HK$",
    "ILS": "₪",
    "INR": "₹",
    "KRW": "₩",
    "MXN": "MX$",
    "NZD": "NZ$",
    "TWD": "NT$",
    "VND": "₫",
    "XAF": "FCFA",
    "XCD": "EC$",
    "XOF": "F\u202fCFA",
    "XPF": "CFPF",
}
_OWN = {
    "en": {"AUD": "A$", "CNY": "CN¥", "JPY": "¥", "PHP": "₱", "USD": "$"},
    "zh": {"AUD": "AU$", "CNY": "¥", "JPY": "JP¥", "USD": "US$"},
}


def money_text(money: Money, lang: str) -> str:
    """`¥7.20` for 720 of CNY in `zh`, `CN¥7.20` in `en`; a currency without a sign of its own by its code."""
    whole, point, part = decimal_text(money).partition(".")
    symbol = (_SYMBOLS | _OWN[lang]).get(money.currency, money.currency)
    apart = "\xa0" if symbol[-1].isalpha() else ""
    return f"{symbol}{apart}{int(whole):,}{point}{part}"
