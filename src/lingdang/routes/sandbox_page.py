"""The sandbox's own page as HTML, in the payer's language. It has no scripts: its buttons are a form's."""

from collections.abc import Sequence
from html import escape
from urllib.parse import urlsplit

from lingdang.http.reply import Header
from lingdang.routes.money_text import money_text
from lingdang.topup.money import Money
from lingdang.topup.providers.sandbox import Payment

_WORDS = {
    "zh": {
        "title": "沙箱支付",
        "what": "这是模拟的支付页面，不涉及真实资金。",
        "open": "待付款",
        "paid": "已付款",
        "closed": "已关闭",
        "refunded": "已退款",
        "disputed": "争议中",
        "lost": "已被银行撤回",
        "now": "可模拟的情形",
        "others": "其他情形",
        "back": "返回书店",
        "pay": "确认付款",
        "fail": "拒绝付款",
        "late": "付款，通知延迟 5 秒",
        "never": "付款，但不发通知",
        "twice": "付款，通知发两次",
        "wrong_amount": "付款，金额不符",
        "wrong_currency": "付款，币种不符",
        "dispute": "付款人提出争议",
        "dispute_won": "争议：书店胜诉",
        "dispute_lost": "争议：书店败诉",
        "refund": "全额退款",
        "refund_half": "退款一半",
        "colon": "：",
    },
    "en": {
        "title": "Sandbox payment",
        "what": "This page stands in for a payment provider. No real money moves.",
        "open": "Waiting for payment",
        "paid": "Paid",
        "closed": "Closed",
        "refunded": "Refunded",
        "disputed": "Disputed",
        "lost": "Charged back",
        "now": "What can happen now",
        "others": "Other outcomes",
        "back": "Back to the shop",
        "pay": "Pay",
        "fail": "Decline",
        "late": "Pay; the news comes 5 s late",
        "never": "Pay; no news is sent",
        "twice": "Pay; the news comes twice",
        "wrong_amount": "Pay another amount",
        "wrong_currency": "Pay in another currency",
        "dispute": "The payer disputes it",
        "dispute_won": "Dispute: the shop wins",
        "dispute_lost": "Dispute: the shop loses",
        "refund": "Refund all of it",
        "refund_half": "Refund half of it",
        "colon": ": ",
    },
}
_MAIN = ("pay", "fail")
_POLICY = "default-src 'none'; style-src 'self'; base-uri 'none'; frame-ancestors 'none'; form-action 'self'"


def language(accepted: str | None) -> str:
    """The language of an Accept-Language header: `zh` where Chinese is named first, `en` otherwise."""
    return "zh" if (accepted or "").strip().lower().startswith("zh") else "en"


def headers(payment: Payment) -> tuple[Header, ...]:
    """The page's headers. A form may lead on to where the payer came from, which its policy has to allow."""
    parts = urlsplit(payment.return_url or "")
    back = f" {parts.scheme}://{parts.netloc}" if parts.netloc else ""
    return (
        (b"content-type", b"text/html"),
        (b"content-security-policy", (_POLICY + back).encode("ascii")),
        (b"cache-control", b"no-store"),
        (b"referrer-policy", b"no-referrer"),
        (b"x-content-type-options", b"nosniff"),
    )


def page(payment: Payment, possible: Sequence[str], lang: str) -> str:
    """The payment, and a button for each outcome that can come now."""
    words = _WORDS[lang]
    price = money_text(Money(payment.price, payment.currency), lang)
    form = _form(possible, payment.held, words)
    back = ""
    if payment.return_url is not None:
        kind = "button" if payment.state == "open" else "button main"
        back = f'<p class="center"><a class="{kind}" href="{escape(payment.return_url)}">{words["back"]}</a></p>'
    return (
        f'<!doctype html><html lang="{"zh-CN" if lang == "zh" else "en"}"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{words['title']}</title>"
        '<link rel="stylesheet" href="/static/css/base.css"><link rel="stylesheet" href="/static/css/account.css">'
        '<link rel="stylesheet" href="/static/css/topup.css"></head>'
        f'<body><main class="narrow sandbox"><h1>{words["title"]}</h1><p class="notice">{words["what"]}</p>'
        f'<section class="sheet"><p>{escape(payment.name)}</p><p class="sandbox-price">{escape(price)}</p>'
        f'<p class="muted" id="state" data-state="{payment.state}">{words[payment.state]}</p>'
        f"{_gone(payment, words, lang)}{form}</section>{back}</main></body></html>"
    )


def _gone(payment: Payment, words: dict[str, str], lang: str) -> str:
    """What of the money is no longer the shop's, or is disputed."""
    sums = {"refunded": payment.refunded, "disputed": payment.disputed, "lost": payment.lost}
    paid_in = payment.paid_in or payment.currency
    return "".join(
        f"<p>{words[name]}{words['colon']}{escape(money_text(Money(amount, paid_in), lang))}</p>"
        for name, amount in sums.items()
        if amount
    )


def _form(possible: Sequence[str], held: int, words: dict[str, str]) -> str:
    main = [each for each in possible if each in _MAIN]
    others = [each for each in possible if each not in _MAIN]
    heading = words["others"] if main else words["now"]
    more = f'<h2>{heading}</h2><div class="ways">{_buttons(others, held, words)}</div>' if others else ""
    return f'<form method="post"><div class="ways">{_buttons(main, held, words)}</div>{more}</form>' if possible else ""


def _buttons(outcomes: Sequence[str], held: int, words: dict[str, str]) -> str:
    return "".join(
        f'<button class="{"button main" if each == "pay" else "button"}" name="outcome" value="{each}">'
        f"{words[_word_of(each, held)]}</button>"
        for each in outcomes
    )


def _word_of(outcome: str, held: int) -> str:
    kind, _, amount = outcome.partition(":")
    return "refund_half" if kind == "refund" and int(amount) < held else kind
