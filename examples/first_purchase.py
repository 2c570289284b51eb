"""A first purchase: three books that the customer does not own yet, with every step as it goes over the wire.

    lingdang serve --demo                 # in another terminal
    python examples/first_purchase.py

Bearer tokens, order tokens and receipts are shortened on the screen. Run it as often as you like.
"""

import argparse
import sys
from collections.abc import Iterable
from itertools import chain, islice
from typing import Any

import msgspec
from rich.console import Console
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from lingdang_client import (
    Client,
    ClientError,
    FileOfferStore,
    Offer,
    Payment,
    PaymentUnfinished,
    Product,
    Step,
    verify_receipt,
)
from lingdang_client.effects import Request, Response

console = Console(highlight=False, soft_wrap=True)

LONGEST = 96
"""Characters of a text that are shown whole."""


def main() -> int:
    options = read_options()
    try:
        with Client(
            options.url,
            ca=options.ca if options.url.startswith("https:") else None,
            store=FileOfferStore(options.payments),
            on_step=show_step,
        ) as client:
            client.open_session(options.cust_id, options.password, sign_type=options.sign_type)
            finish_earlier_payments(client)
            return buy(client, options.query)
    except (ClientError, OSError) as error:
        console.print(f"[bold red]{type(error).__name__}[/]: {error}", markup=True)
        return 1


def read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Buy three books and show each step of the purchase.")
    parser.add_argument("--url", default="https://127.0.0.1:8443")
    parser.add_argument("--ca", default=".lingdang/tls/ca.pem", help="the authority to trust, a PEM file")
    parser.add_argument("--cust-id", default="demo")
    parser.add_argument("--password", default="demo-demo")
    parser.add_argument("--sign-type", default="ES256", choices=["ES256", "HMAC-SHA256", "MD5"])
    parser.add_argument("--query", default="love", help="what to search the books for")
    parser.add_argument("--payments", default=".lingdang/first-purchase", help="where payments under way are kept")
    return parser.parse_args()


def finish_earlier_payments(client: Client) -> None:
    """Bring to an end what an earlier run was interrupted in."""
    for pending in client.unfinished():
        order_id = pending.offer.order_id
        try:
            client.resume(order_id)
            console.print(f"Order {order_id} of an earlier run was paid.")
        except ClientError as error:
            console.print(f"Order {order_id} of an earlier run: {error}", markup=False)


def buy(client: Client, query: str) -> int:
    books = choose(client, query)
    if not books:
        console.print("The customer owns every book that they can pay.")
        return 1
    for book in books:
        client.tick(book.product_id)
    offer = client.checkout([book.product_id for book in books])
    if not offer.wallet.sufficient:
        console.print(f"{offer.wallet.shortfall} bells are missing. Top up: lingdang wallet credit …")
        return 1
    try:
        payment = client.pay(offer)
    except PaymentUnfinished as error:
        console.print(f"{error}\nRun this again: it will be brought to its end, and never be taken twice.")
        return 1
    show_result(client, offer, payment)
    return 0


def choose(client: Client, query: str) -> list[Product]:
    """Three books that are not owned yet and can be paid: those that the search finds, then any."""
    owned = {right.product_id for right in client.entitlements(page_size=200)}
    balances = {balance.currency: balance.balance for balance in client.wallet().balances}
    found: Iterable[Product] = chain(client.products(query), client.products())
    chosen: dict[str, Product] = {}
    for book in islice(found, 1000):
        if book.product_id not in owned and book.price <= balances.get(book.currency, 0) and len(chosen) < 3:
            chosen.setdefault(book.product_id, book)
            balances[book.currency] -= book.price
        if len(chosen) == 3:
            break
    return list(chosen.values())


def show_result(client: Client, offer: Offer, payment: Payment) -> None:
    keys = client.jwks()
    table = Table(title=f"Order {payment.order_id}", title_justify="left")
    for name in ("Book", "Paid", "Receipt, verified offline"):
        table.add_column(name, justify="right" if name == "Paid" else "left")
    for line in offer.lines:
        right = client.entitlement(line.product_id)
        receipt = verify_receipt(
            right.receipt, keys, issuer="lingdang", cust_id=client.current_session().cust_id, product_id=line.product_id
        )
        table.add_row(Text(line.title), str(line.payable), f"valid until {receipt.expires_at:%Y-%m-%d}")
    console.print(Rule("Result"))
    console.print(table)
    replayed = " (by an earlier sending)" if payment.replayed else ""
    console.print(f"Paid {payment.paid} {payment.currency}{replayed}; {payment.balance} are left.")
    for balance in client.wallet().balances:
        console.print(
            f"Wallet: {balance.balance} {balance.currency}, of it {balance.paid} paid, {balance.bonus} bonus."
        )
    console.print(f"Entitlements: {sum(1 for _ in client.entitlements(page_size=200))} books owned.")


def show_step(step: Step) -> None:
    """One step: what was sent, what was signed, what came back."""
    console.print()
    console.print(Rule(f"[bold]{'①②③④⑤⑥'[step.number - 1]} {step.title}", align="left"))
    if step.number not in (3, 5):  # their request is that of the step before
        show_request(step.request)
    if step.signed is not None:
        token = str(msgspec.json.decode(step.request.body or b"{}")["orderToken"])
        show("string signed", step.signed.replace(token, shorten(token)), "magenta")
        show("signature", step.signature or "", "magenta")
    if step.answer is not None:
        show_answer(step.answer)


def show_request(request: Request) -> None:
    show("→", f"{request.method} {request.path}", "bold cyan")
    for name, value in request.headers.items():
        show("  ", f"{name}: {shorten(value, 40) if name == 'Authorization' else value}", "cyan")
    if request.body:
        show("  ", pretty(request.body), "cyan")


def show_answer(answer: Response) -> None:
    show("←", str(answer.status), "bold green" if answer.status < 400 else "bold red")
    for name in ("content-type", "x-request-id", "idempotent-replayed", "retry-after"):
        if name in answer.headers:
            show("  ", f"{name}: {answer.headers[name]}", "green")
    if answer.body:
        show("  ", pretty(answer.body), "green")


def show(label: str, text: str, style: str) -> None:
    for number, line in enumerate(text.splitlines()):
        console.print(Text(f"{label if number == 0 else '':>2} ", "dim").append(line, style))


def pretty(body: bytes) -> str:
    """JSON with its long texts shortened."""
    try:
        return msgspec.json.format(msgspec.json.encode(shortened(msgspec.json.decode(body)))).decode()
    except msgspec.MsgspecError:
        return shorten(body.decode(errors="replace"))


def shortened(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: shortened(item) for name, item in value.items()}
    if isinstance(value, list):
        return [shortened(item) for item in value]
    return shorten(value) if isinstance(value, str) else value


def shorten(text: str, longest: int = LONGEST) -> str:
    return text if len(text) <= longest else f"{text[: longest // 2]}…{text[-8:]} ({len(text)} characters)"


if __name__ == "__main__":
    sys.exit(main())
