"""Top-ups, take-backs and gift codes as clients saw them. What their rows move, money.py judges."""

from collections.abc import Callable

from proof.simulation.audit.chronicle import Chronicle, Standing, row_of
from proof.simulation.audit.evidence import Evidence, Row, moment
from proof.simulation.audit.findings import Findings
from proof.simulation.history import INCONCLUSIVE, History, Request
from proof.simulation.plan import MOST_BELLS

_ASKED = ("paid", "bonus", "currency", "price", "test")
"""In what top-ups of one id differ."""


def audit_topups(history: History, evidence: Evidence, chronicle: Chronicle, findings: Findings) -> None:
    """Every top-up, take-back and gift, done or refused; and that each code was redeemed once, in time."""
    auditor = _Topups(evidence, chronicle, findings)
    judges = {"topup": auditor.topup, "takeback": auditor.takeback, "gift": auditor.gift}
    for request in history.requests:
        if request.kind in judges and request.outcome not in (*INCONCLUSIVE, "crashed", "internal_error"):
            judges[request.kind](request)
    for campaign, code in evidence.codes.items():
        auditor.code(campaign, code)


class _Topups:
    def __init__(self, evidence: Evidence, chronicle: Chronicle, findings: Findings) -> None:
        self._evidence = evidence
        self._chronicle = chronicle
        self._expect = findings.expect

    def topup(self, request: Request) -> None:
        """One that was credited is what was asked for; its id stands for no other one."""
        booked = row_of(request, self._evidence)
        same = booked is not None and all(_asked_of(booked, name) == request.wanted[name] for name in _ASKED)
        if request.outcome == "ok":
            self._expect(same, "a top-up is what was asked for", request, booked)
        elif request.outcome == "idempotency_mismatch":
            there = booked is not None and any(booked["seq"] <= s.seq for s in self._chronicle.met(request))
            self._expect(there and not same, "a refusal is true", request, booked)
        else:
            self._full(request, request.wanted["currency"], request.wanted["paid"] + request.wanted["bonus"])

    def takeback(self, request: Request) -> None:
        """As many bells are taken back as of the money, as soon as that is answered, if there was such a top-up."""
        name, met = request.wanted["topupId"], self._chronicle.met(request)
        if request.outcome != "ok":
            free = request.outcome == "not_found" and any(name not in s.topups for s in met)
            self._expect(free, "a refusal is true", request, met)
            return
        topup = self._evidence.topups.get((request.cust_id, name))
        if not self._expect(topup is not None, "what is taken back was there", request) or topup is None:
            return
        refunded, disputed = (_bells(topup, request.wanted[name]) for name in ("refunded", "disputed"))
        told = request.body
        right = told["taken"] == refunded and told["frozen"] <= min(disputed, topup["paid"] + topup["bonus"] - refunded)
        self._expect(right, "bells follow their money", request, topup)
        self._expect(any(_stands(told, topup, s) for s in met), "a take-back is told as it stood", request, met)

    def gift(self, request: Request) -> None:
        """One that was credited is the code's; a refusal has its reason."""
        code = self._evidence.codes[request.wanted["campaign"]]
        if request.outcome == "ok":
            mine = code["claimed_by"] == request.cust_id
            self._expect(mine, "a gift code is one customer's", request, code)
        elif request.outcome == "gift_code_unusable":
            [reason] = request.body["reasons"].values()
            holds = _UNUSABLE.get(reason["code"])
            self._expect(holds and holds(request, code), "a refusal is true", request, code)
        else:
            self._full(request, code["currency"], code["amount"])

    def code(self, campaign: str, code: Row) -> None:
        """Its bells came once, to whoever claimed it before its end."""
        gifts = [gift for gift in self._evidence.gifts.values() if gift["campaign"] == campaign]
        self._expect(len(gifts) <= 1, "a gift code is redeemed once", code, gifts)
        for gift in gifts:
            told = tuple(gift[name] for name in ("customer_id", "currency", "amount"))
            self._expect(told == (code["claimed_by"], code["currency"], code["amount"]), "a gift is its code's", gift)
        until, at = code["expires_at"], code["claimed_at"]
        in_time = until is None or at is None or moment(at) < moment(until)
        self._expect(in_time, "a gift code ends", code)
        self._expect(code["redeemed_at"] is None or gifts, "a code that is done was credited", code)

    def _full(self, request: Request, currency: str, amount: int) -> None:
        held = [s.balances.get(currency, 0) for s in self._chronicle.met(request)]
        full = request.outcome == "wallet_full" and max(held) + amount > MOST_BELLS
        self._expect(full, "a refusal is true", request, held)


def _asked_of(booked: Row, name: str) -> object:
    return booked.get(name, False) if name == "test" else booked[name]


def _bells(topup: Row, money: int) -> int:
    """As many of the bells as of the price, which is all of them for more."""
    price = topup["price"]["amount"]
    return int((topup["paid"] + topup["bonus"]) * min(money, price) // price)


def _stands(told: Row, topup: Row, standing: Standing) -> bool:
    currency = topup["currency"]
    stood = (*standing.topups.get(topup["topupId"], ()), standing.balances.get(currency), standing.debts.get(currency))
    return stood == (told["taken"], told["frozen"], told["balance"], told["debt"])


def _used(request: Request, code: Row) -> bool:
    return code["claimed_by"] not in (None, request.cust_id)


def _ended(request: Request, code: Row) -> bool:
    until = code["expires_at"]
    return until is not None and request.latest is not None and moment(until) <= request.latest


_UNUSABLE: dict[str, Callable[[Request, Row], bool]] = {"code_used": _used, "expired": _ended}
"""When each reason is true. Nobody mistypes here."""
