"""Refusals: each has its reason in the world, and a final one stays one. Nothing is paid that could not be."""

from collections.abc import Callable

from proof.simulation.audit.answers import flaws_of
from proof.simulation.audit.chronicle import Chronicle, Standing
from proof.simulation.audit.evidence import Evidence, Row, moment
from proof.simulation.audit.findings import Findings
from proof.simulation.audit.sales import was_off_sale
from proof.simulation.history import FOREVER, Event, History, Request
from proof.simulation.plan import MOST_BELLS, Coupon, Plan

_FINAL_REASONS = frozenset({"not_held", "withdrawn"})


def audit_refusals(plan: Plan, history: History, evidence: Evidence, chronicle: Chronicle, findings: Findings) -> None:
    """Every refusal of a payment, a checkout and a credit; and what was paid in spite of the world."""
    auditor = _Refusals(plan, history, evidence, chronicle, findings)
    for request in history.requests:
        if request.kind == "payment" and not flaws_of(request):
            auditor.payment(request)
        elif request.kind == "checkout":
            auditor.checkout(request)
        elif request.kind == "deposit":
            auditor.deposit(request)
        elif request.kind in ("refund", "open"):
            auditor.session(request)
    auditor.against_the_world()


def _is_asked(credit: Row, request: Request) -> bool:
    """Whether the credit is the one that was asked for, as far as requests differ."""
    return all(credit[name] == request.wanted[name] for name in ("amount", "currency"))


class _Refusals:
    def __init__(
        self, plan: Plan, history: History, evidence: Evidence, chronicle: Chronicle, findings: Findings
    ) -> None:
        self._plan = plan
        self._history = history
        self._evidence = evidence
        self._chronicle = chronicle
        self._expect = findings.expect
        self._offers = {
            r.body["orderId"]: r.body for r in history.requests if r.kind == "checkout" and "orderId" in r.body
        }
        self._coupons = {coupon.code: coupon for coupon in plan.coupons}
        self._books = {book.product_id: book for book in plan.books}

    def payment(self, request: Request) -> None:
        """A refused payment: true, and if it is final, nothing was ever paid."""
        order = self._evidence.orders.get(request.wanted["orderId"])
        checks: dict[str, Callable[[Request], bool]] = {
            "already_owned": self._is_bought,
            "product_unavailable": self._is_withdrawn,
            "voucher_unusable": self._is_unusable,
            "insufficient_bells": self._is_short,
            "wallet_in_debt": self._is_in_debt,
            "token_expired": self._is_expired,
            "unauthenticated": self._is_ended,
        }
        check = checks.get(request.outcome)
        if check is None:
            self._expect(request.outcome in ("ok", "lost", "overloaded", "outcome_unknown"), "a known answer", request)
            return
        self._expect(check(request), "a refusal is true", request, order)
        self._expect(order is None or not self._is_final(request), "a final refusal is final", request, order)

    def checkout(self, request: Request) -> None:
        """A refused checkout has its reason; a claimed voucher is there, and none was left where none was given."""
        coupon = self._coupons.get(request.wanted["code"])
        if request.outcome == "ok":
            held = [v for v in self._evidence.vouchers.values() if v["customer_id"] == request.cust_id]
            given = coupon is None or any(v["coupon_id"] == coupon.coupon_id for v in held)
            self._expect(given, "a claimed voucher is in hand", request)
            self._expect(not self._ended_before(request), "an ended session is refused", request)
            met = self._chronicle.met(request)
            free = any(s.rights.keys().isdisjoint(request.wanted["productIds"]) for s in met)
            self._expect(free, "what is owned is not offered", request)
        elif request.outcome == "already_owned":
            owned = self._is_owned(request, request.wanted["productIds"], self._chronicle.met(request))
            self._expect(owned, "a refusal is true", request)
        elif request.outcome == "product_unavailable":
            self._expect(self._is_withdrawn(request), "a refusal is true", request)
        elif request.outcome == "unauthenticated":
            self._expect(self._is_ended(request), "a refusal is true", request)
        elif request.outcome == "voucher_unusable" and coupon is not None:
            self._expect(self._claim_is_refused(request, coupon), "a claim's refusal is true", request, coupon)
        else:
            self._expect(request.outcome in ("lost", "overloaded"), "a known answer", request)

    def deposit(self, request: Request) -> None:
        """A refused credit: its id stands for another one, or it had lapsed."""
        credit = self._evidence.credits.get((request.cust_id, request.wanted["creditId"]))
        until = request.wanted["expiresAt"]
        if request.outcome == "idempotency_mismatch":
            self._expect(credit is not None and not _is_asked(credit, request), "a refusal is true", request, credit)
        elif request.outcome == "invalid_request":
            lapsed = until is not None and request.latest is not None and until <= request.latest
            self._expect(lapsed, "a refusal is true", request)
            self._expect(credit is None or not self._plan.monotone, "a final refusal is final", request, credit)
        elif request.outcome == "wallet_full":
            held = {s.balances.get(request.wanted["currency"], 0) for s in self._chronicle.met(request)}
            self._expect(max(held) + request.wanted["amount"] > MOST_BELLS, "a refusal is true", request, held)
        elif request.outcome == "ok":
            same = credit is not None and _is_asked(credit, request)
            self._expect(same, "a credit is what was asked for", request, credit)
        else:
            self._expect(request.outcome in ("lost", "overloaded", "outcome_unknown"), "a known answer", request)

    def session(self, request: Request) -> None:
        """A customer's own refund, and the use of a right, need a session that has not ended."""
        if request.outcome == "unauthenticated":
            self._expect(self._is_ended(request), "a refusal is true", request)
        elif request.outcome == "ok" and "sessionId" in request.wanted:
            self._expect(not self._ended_before(request), "an ended session is refused", request)

    def against_the_world(self) -> None:
        """No order is paid with what was withdrawn, or in a session that had ended, before anybody tried to pay."""
        for order_id, order in self._evidence.orders.items():
            tries = [r for r in self._payments(order_id) if not flaws_of(r)]
            first = min((r.sent for r in tries), default=0)
            for event in self._history.events:
                if event.done < first and self._forbids(event, order, tries):
                    self._expect(False, "nothing is paid against the world", event, order, tries)
            for request in tries:
                refused = request.outcome != "ok" or not self._ended_before(request)
                self._expect(refused, "an ended session is refused", request)

    def _payments(self, order_id: str) -> list[Request]:
        return [r for r in self._history.requests if r.kind == "payment" and r.wanted["orderId"] == order_id]

    def _forbids(self, event: Event, order: Row, tries: list[Request]) -> bool:
        """Whether this event, which was before all `tries`, keeps the order from being paid."""
        if event.what == "withdrawn":
            # Every order is tried again late: put back on sale after the first "ok", it excuses nothing.
            end = min((r.answered for r in tries if r.outcome == "ok"), default=FOREVER)
            back = any(
                e.what == "shelved" and e.whom == event.whom and e.done > event.begun and e.begun < end
                for e in self._history.events
            )
            return not back and event.whom in {line["productId"] for line in order["lines"]}
        if event.what == "recalled":
            vouchers = [self._evidence.vouchers[used["voucherId"]] for used in order["vouchers"]]
            return event.whom in {voucher["coupon_id"] for voucher in vouchers}
        return event.what == "ended" and all(r.wanted["sessionId"] == event.whom for r in tries)

    def _ended_before(self, request: Request) -> bool:
        return any(
            e.what == "ended" and e.whom == request.wanted["sessionId"] and e.done < request.sent
            for e in self._history.events
        )

    def _is_final(self, request: Request) -> bool:
        """Whether this refusal can never become a payment."""
        if request.outcome == "voucher_unusable":
            codes = {reason["code"] for reason in request.body["reasons"].values()}
            return bool(codes & _FINAL_REASONS) or ("expired" in codes and self._plan.monotone)
        return request.outcome == "token_expired" and self._plan.monotone

    def _is_bought(self, request: Request) -> bool:
        lines = self._offers[request.wanted["orderId"]]["lines"]
        return self._is_owned(request, [line["productId"] for line in lines], self._unpaid(request))

    def _is_owned(self, request: Request, product_ids: list[str], met: list[Standing]) -> bool:
        """Whether, at one moment, those that were told and no others of these were the customer's."""
        told = set(request.body["productIds"])
        return any(told == s.rights.keys() & set(product_ids) for s in met)

    def _unpaid(self, request: Request) -> list[Standing]:
        """The standings that a payment may have met while its order was not paid."""
        return [s for s in self._chronicle.met(request) if request.wanted["orderId"] not in s.orders]

    def _is_withdrawn(self, request: Request) -> bool:
        return all(self._off_sale(product_id, request) for product_id in request.body["productIds"])

    def _off_sale(self, product_id: str, request: Request) -> bool:
        """Whether the product may have been off sale at some moment of the request."""
        book = self._books.get(product_id)
        if book is not None and was_off_sale(book, request, self._plan.monotone):
            return True
        events = [e for e in self._history.events if e.whom == product_id]
        back = [e for e in events if e.what == "shelved" and e.done < request.sent]
        return any(
            e.what == "withdrawn" and e.begun < request.answered and not any(b.begun > e.done for b in back)
            for e in events
        )

    def _is_ended(self, request: Request) -> bool:
        return any(
            e.what == "ended" and e.whom == request.wanted["sessionId"] and e.begun < request.answered
            for e in self._history.events
        )

    def _is_expired(self, request: Request) -> bool:
        until = moment(self._offers[request.wanted["orderId"]]["expiresAt"])
        return request.latest is not None and until <= request.latest

    def _is_short(self, request: Request) -> bool:
        """The balance told is one that the wallet had, and not an older one than was acknowledged before."""
        told, offer = request.body, self._offers[request.wanted["orderId"]]
        total = offer["total"]
        adds_up = told["required"] == total and told["shortfall"] == total - told["balance"] > 0
        free = [s for s in self._unpaid(request) if not s.debts.get(offer["currency"])]
        return adds_up and told["balance"] in {standing.balances.get(offer["currency"], 0) for standing in free}

    def _is_in_debt(self, request: Request) -> bool:
        """The debt told is one that the wallet had: a wallet in debt is empty, so nothing that costs bells is paid."""
        offer = self._offers[request.wanted["orderId"]]
        owed = {standing.debts.get(offer["currency"], 0) for standing in self._unpaid(request)}
        return offer["total"] > 0 and request.body["debt"] > 0 and request.body["debt"] in owed

    def _is_unusable(self, request: Request) -> bool:
        return all(self._voucher_is(i, reason["code"], request) for i, reason in request.body["reasons"].items())

    def _voucher_is(self, voucher_id: str, code: str, request: Request) -> bool:
        voucher = self._evidence.vouchers.get(voucher_id)
        if voucher is None:
            return False
        if code == "used":
            return any(voucher_id in s.used for s in self._unpaid(request))
        if code == "expired":
            return request.latest is not None and moment(voucher["expires_at"]) <= request.latest
        if code == "withdrawn":
            return self._recalled(voucher["coupon_id"], request)
        if code == "not_first_purchase":
            return any(s.has_bought() for s in self._unpaid(request))
        return False

    def _recalled(self, coupon_id: str, request: Request) -> bool:
        return any(
            e.what == "recalled" and e.whom == coupon_id and e.begun < request.answered for e in self._history.events
        )

    def _claim_is_refused(self, request: Request, coupon: Coupon) -> bool:
        [reason] = request.body["reasons"].values()
        code = str(reason["code"])
        vouchers = [v for v in self._evidence.vouchers.values() if v["coupon_id"] == coupon.coupon_id]
        if code == "sold_out":
            return coupon.total_limit is not None and len(vouchers) == coupon.total_limit
        if code == "limit_reached":
            return [v["customer_id"] for v in vouchers].count(request.cust_id) == coupon.per_customer
        if code == "withdrawn":
            return self._recalled(coupon.coupon_id, request)
        until = coupon.valid_until
        return code == "expired" and until is not None and request.latest is not None and until <= request.latest
