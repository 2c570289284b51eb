"""Times of sale: nothing is offered or sold before a book's sale begins, nor from the moment on at which it ends."""

from datetime import datetime

from proof.simulation.audit.evidence import Evidence, moment
from proof.simulation.audit.findings import Findings
from proof.simulation.history import History, Request
from proof.simulation.plan import Book, Plan


def audit_sales(plan: Plan, history: History, evidence: Evidence, findings: Findings) -> None:
    """An offer is judged by the moment that it tells, an order by the clock at which it was decided, exactly."""
    books = {book.product_id: book for book in plan.books}
    for request in history.requests:
        if request.kind == "checkout" and request.outcome == "ok":
            on_sale = _all_on_sale(books, request.body["lines"], moment(request.body["issuedAt"]))
            findings.expect(on_sale, "what is not on sale is not offered", request)
    for order in evidence.orders.values():
        on_sale = order["clock"] is None or _all_on_sale(books, order["lines"], order["clock"])
        findings.expect(on_sale, "nothing is sold outside of its time", order)


def was_off_sale(book: Book, request: Request, monotone: bool) -> bool:
    """Whether a request that was answered may have been decided outside of the book's time.

    Not begun: by the clock that it was handed to; one that goes back may have shown less. Ended: by any clock so far.
    """
    since, until = book.on_sale_from, book.on_sale_until
    early = since is not None and (request.clock < since or not monotone)
    return early or (until is not None and request.latest is not None and until <= request.latest)


def _all_on_sale(books: dict[str, Book], lines: list[dict[str, str]], at: datetime) -> bool:
    return all(_on_sale(books[line["productId"]], at) for line in lines)


def _on_sale(book: Book, at: datetime) -> bool:
    since, until = book.on_sale_from, book.on_sale_until
    return (since is None or since <= at) and (until is None or at < until)
