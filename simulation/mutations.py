"""Ways to break the build on purpose: each must be caught, or the simulation proves nothing.

A mutation names a file under `src/lingdang`, a text that stands in it exactly once, and what stands there instead.
The texts are short, so that they outlive changes around them; one that is no longer found is an error, not a pass.
"""

from dataclasses import dataclass
from pathlib import Path


class MutationError(Exception):
    """A mutation does not fit the source any more. The message says which and why."""


@dataclass(frozen=True)
class Edit:
    """Replace `old` by `new` in a file below `src/lingdang`."""

    path: str
    old: str
    new: str

    def apply(self, root: Path) -> None:
        """Change the file below `root`, a copy of `src/lingdang`. Raises MutationError."""
        file = root / self.path
        text = file.read_text(encoding="utf-8")
        if text.count(self.old) != 1:
            raise MutationError(f"{self.path}: {self.old!r} stands in it {text.count(self.old)} times")
        file.write_text(text.replace(self.old, self.new), encoding="utf-8")


@dataclass(frozen=True)
class Mutation:
    """A broken build. Caught by some seed; or by `test`, where what breaks cannot be seen from outside."""

    name: str
    edits: tuple[Edit, ...]
    test: str | None = None


_RULES = "ledger/rules.py"
_LOTS = "ledger/lots.py"
_SETTLEMENT = "ledger/settlement.py"
_STORE = "ledger/store.py"
_PAYMENTS = "payment/payments.py"
_LOAD = "ledger/load.sql"
_SAVE = "ledger/save.sql"
_CLAIM = "coupons/claim.sql"
_SUBMIT = "            done = await self._settlement.submit(_command(offer))\n"
_CHECK = "        check_request(request, offer, session, now)\n"


def _one(name: str, path: str, old: str, new: str) -> Mutation:
    return Mutation(name, (Edit(path, old, new),))


MUTATIONS = (
    # Locks and time
    Mutation(
        "wallet lock removed",
        (
            Edit(_LOAD, "PERFORM pg_advisory_xact_lock(k.key) FROM (", "PERFORM k.key FROM ("),
            Edit(_SAVE, " WHERE w.ctid = n.place\n       AND", " WHERE"),
            Edit(_SAVE, " AND w.seq = n.before;", ";"),
        ),
    ),
    Mutation(
        "time read before the lock",
        (
            Edit(
                _SETTLEMENT,
                "            state = await store.load(",
                "            now = self._clock()\n            state = await store.load(",
            ),
            Edit(_SETTLEMENT, "            now = self._clock()\n            results", "            results"),
        ),
    ),
    Mutation(
        "customer's lock on claiming removed",
        (Edit(_CLAIM, "PERFORM pg_advisory_xact_lock(hashtextextended('voucher ' || customer, b));", ""),),
        test="tests/coupons/test_claiming.py::test_a_claim_counts_what_the_same_customer_claims_at_the_moment",
    ),
    # Idempotency
    _one("order's idempotency check removed", _RULES, "if paid is not None:", "if False:"),
    _one("credit's idempotency check removed", _RULES, "if booked is not None:", "if False:"),
    _one(
        "credit's content not compared",
        _RULES,
        'if _same(credit, booked) else Problem("idempotency_mismatch")',
        "if credit else Problem()",
    ),
    _one("replay not called a replay", _RULES, "Done(paid, replayed=True)", "Done(paid)"),
    _one(
        "replay answers another moment",
        _PAYMENTS,
        "return _answer(done), done.replayed",
        "return msgspec.structs.replace(_answer(done), paid_at=now), done.replayed",
    ),
    # The order of checks
    Mutation(
        "replay answered before the signature check",
        (
            Edit(_PAYMENTS, _CHECK, ""),
            Edit(
                _PAYMENTS,
                _SUBMIT,
                _SUBMIT
                + "            if not done.replayed:\n                check_request(request, offer, session, now)\n",
            ),
        ),
    ),
    _one("sign type not compared", _PAYMENTS, "if request.sign_type != session.sign_type:", "if False:"),
    _one("session of the offer not compared", _PAYMENTS, "if offer.session_id != session.session_id:", "if False:"),
    _one(
        "products of the offer not compared",
        _PAYMENTS,
        "if request.product_ids != tuple(",
        "if len(request.product_ids) < 0 * len(",
    ),
    _one("timestamp off by one", _PAYMENTS, "> MAX_SKEW_SECONDS", ">= MAX_SKEW_SECONDS"),
    _one("ended session may pay", _RULES, "if self._state.ended_sessions and pay", "if False and pay"),
    _one("ended session may check out", "checkout/reading.py", "if asked.owner.session_id in ended:", "if False:"),
    # Off by one, and checks left out
    _one("offer good for a moment too long", _RULES, "pay.expires_at <= self._now", "pay.expires_at < self._now"),
    _one("lot good for a moment too long", _RULES, "wallet.next_expiry > self._now", "wallet.next_expiry >= self._now"),
    _one("credit lapsed when booked", _RULES, "credit.expires_at <= self._now", "credit.expires_at < self._now"),
    _one(
        "voucher good for a moment too long",
        _LOAD,
        "WHEN v.expires_at <= moment THEN 'expired'",
        "WHEN v.expires_at < moment THEN 'expired'",
    ),
    _one("one bell missing is enough", _RULES, "if wallet.balance < pay.total:", "if wallet.balance + 1 < pay.total:"),
    _one("ownership not asked", _RULES, "        if owned:\n", "        if False:\n"),
    _one(
        "what was bought since the checkout not asked",
        _STORE,
        "moved = pays if in_doubt else _moved(",
        "moved = [] if pays else _moved(",
    ),
    _one(
        "transfers counted before the checkout one too many",
        "checkout/reading.py",
        "sum([wallet.seq for wallet in own])",
        "sum([wallet.seq for wallet in own]) + 1",
    ),
    _one("withdrawn product can be paid", _RULES, "        if self._state.unavailable:\n", "        if False:\n"),
    _one(
        "catalogue's version not compared",
        "ledger/remembered.py",
        "version == self._version or not self.facts",
        "version or not self.facts",
    ),
    _one(
        "withdrawn coupon can be paid",
        _LOAD,
        "WHEN c.status = 'withdrawn' THEN 'withdrawn'",
        "WHEN false THEN 'withdrawn'",
    ),
    _one("first purchase not asked", _LOAD, "WHEN c.first_purchase AND EXISTS (", "WHEN false AND EXISTS ("),
    _one("voucher's use not asked", _LOAD, "WHEN v.used_by IS NOT NULL THEN 'used'", "WHEN false THEN 'used'"),
    _one(
        "one voucher more for each customer",
        _CLAIM,
        "IF count_held >= c.per_customer THEN",
        "IF count_held > c.per_customer THEN",
    ),
    _one("supply of a coupon not asked", _CLAIM, "AND (k.total_limit IS NULL OR k.claimed < k.total_limit)", ""),
    # Arithmetic
    _one("percent rounded up", "coupons/cuts.py", "* self.percent // 100", "* -self.percent // 100 * -1"),
    _one(
        "smallest remainder first",
        "coupons/spread.py",
        "[-(total * weight % whole) for weight in weights]",
        "[total * weight % whole for weight in weights]",
    ),
    _one("minimum spend off by one", "coupons/conditions.py", "if spent >= required:", "if spent > required:"),
    _one("paid bells spent before bonus", _LOTS, 'return name if "@" in name else name + "~"', "return name[1:]"),
    _one("lots without expiry spent first", _LOTS, 'return name if "@" in name else name + "~"', "return name"),
    _one(
        "discount booked as revenue",
        _RULES,
        "place)] += line.price",
        "place)] += line.payable",
    ),
    # Durability
    _one("answered before the commit", _STORE, "(_SAVE, parameters), (_COMMIT, ())", "(_SAVE, parameters)"),
    _one(
        "unknown outcome called not executed",
        _SETTLEMENT,
        "attempt.unknown |= _is_away(error)",
        "attempt.failed |= False",
    ),
    _one("full disk taken for a command's fault", _SETTLEMENT, "        _SHORT_OF_SOMETHING,\n", ""),
    Mutation(
        "halves of a failed batch swapped",
        (
            Edit(_SETTLEMENT, "(commands[:middle], halves[0])", "(commands[middle:], halves[0])"),
            Edit(
                _SETTLEMENT,
                "            *await self._settle(commands[middle:], halves[1])",
                "            *await self._settle(commands[:middle], halves[1])",
            ),
        ),
        test="tests/ledger/test_settlement.py::test_poison_is_refused_alone",
    ),
    _one(
        "answers of a batch mixed up",
        "db/gather.py",
        "zip(batch, results, strict=True)",
        "zip(batch, [*results[1:], results[0]], strict=True)",
    ),
)
