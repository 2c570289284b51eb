"""Ways to break the build on purpose: each must be caught, or the simulation proves nothing.

A mutation names a file under `src/lingdang`, a text that stands in it exactly once, and what stands there instead.
The texts are short, so that they outlive changes around them; one that is no longer found is an error, not a pass.
"""

from proof.simulation.mutation import Edit, Mutation, one
from proof.simulation.topup_mutations import OF_TOPUPS

_BOOK = "ledger/book.py"
_PAYING = "ledger/paying.py"
_CREDITING = "ledger/crediting.py"
_ADJUSTING = "ledger/adjusting.py"
_REVERSING = "ledger/reversing.py"
_REFUNDING = "ledger/refunding.py"
_GRANTING = "ledger/granting.py"
_LOTS = "ledger/lots.py"
_SETTLEMENT = "ledger/settlement.py"
_STORE = "ledger/store.py"
_PAYMENTS = "payment/payments.py"
_MEMORY = "catalog/memory.py"
_PRODUCT = "catalog/product.py"
_LOAD = "ledger/load.sql"
_SAVE = "ledger/write.sql"
_CLAIM = "coupons/claim.sql"
_TABLES = "db/migrations/versions/0023_tables.py"
_SUBMIT = "            done = await self._settlement.submit(_command(offer))\n"
_CHECK = "        check_request(request, offer, session, now)\n"


MUTATIONS = (
    # Locks and time
    Mutation(
        "customer's lock removed, and what stands in for it",
        (
            Edit(_LOAD, "PERFORM pg_advisory_xact_lock(c.customer) FROM", "PERFORM c.customer FROM"),
            Edit(_SAVE, " WHERE w.ctid = n.place\n       AND", " WHERE"),
            Edit(_SAVE, " AND w.seq = n.before;", ";"),
            Edit(
                _TABLES,
                "    PRIMARY KEY (customer, seq, bucket),\n    CONSTRAINT transfer_sums",
                "    CONSTRAINT transfer_sums",
            ),
        ),
    ),
    Mutation(
        "time read before the lock",
        (Edit(_STORE, "    now = clock()\n", "    now = asked_at\n"),),
    ),
    Mutation(
        "customer's lock on claiming removed",
        (Edit(_CLAIM, "PERFORM pg_advisory_xact_lock(hashint8extended(owner, 2));", ""),),
        test="tests/coupons/test_claiming.py::test_a_claim_counts_what_the_same_customer_claims_at_the_moment",
    ),
    one(
        "time taken from the clock although an earlier row is later",
        _BOOK,
        "if newest.moved_at is not None and newest.moved_at > at:",
        "if False:",
    ),
    # One journal for each customer
    one("rows counted by wallet", _BOOK, "self.now, newest.seq + 1,", "self.now, wallet.seq + 1,"),
    one(
        "wallet keeps the time of the row before",
        _BOOK,
        "            moved_at=at,\n",
        "            moved_at=wallet.moved_at or at,\n",
    ),
    one(
        "a later row in an earlier position",
        _SAVE,
        "SELECT e.shift + pg_current_xact_id()::text::bigint INTO here",
        "SELECT e.shift - pg_current_xact_id()::text::bigint INTO here",
    ),
    Mutation(
        "readers do not wait for a settlement",
        (Edit(_LOAD, "    PERFORM pg_advisory_xact_lock_shared(7308319, 2);\n", ""),),
        test="tests/journal/test_positions.py",
    ),
    one(
        "right granted by the row before",
        _SAVE,
        "SELECT n.customer, n.seq, b, unnest(",
        "SELECT n.customer, n.seq - 1, b, unnest(",
    ),
    one(
        "cause does not say whose it is",
        "ledger/causes.py",
        'f"{customer} {kind} {reference}"',
        'f"{kind} {reference}"',
    ),
    # Idempotency
    one("order's idempotency check removed", _PAYING, "if paid is not None:", "if False:"),
    one("credit's idempotency check removed", _CREDITING, "if booked is not None:", "if False:"),
    one(
        "credit's content not compared",
        _CREDITING,
        'if _same(credit, record) else Problem("idempotency_mismatch")',
        "if credit else Problem()",
    ),
    one("replay not called a replay", _PAYING, "Done(read(paid), replayed=True)", "Done(read(paid))"),
    one(
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
    one("sign type not compared", _PAYMENTS, "if request.sign_type != session.sign_type:", "if False:"),
    one("session of the offer not compared", _PAYMENTS, "if offer.session_id != session.session_id:", "if False:"),
    one(
        "products of the offer not compared",
        _PAYMENTS,
        "if request.product_ids != tuple(",
        "if len(request.product_ids) < 0 * len(",
    ),
    one("timestamp off by one", _PAYMENTS, "> MAX_SKEW_SECONDS", ">= MAX_SKEW_SECONDS"),
    one("ended session may pay", _PAYING, "if state.ended_sessions and pay", "if False and pay"),
    one("ended session may check out", "checkout/reading.py", "if asked.owner.session_id in ended:", "if False:"),
    # Off by one, and checks left out
    one("offer good for a moment too long", _PAYING, "pay.expires_at <= book.now", "pay.expires_at < book.now"),
    one("lot good for a moment too long", _BOOK, "wallet.next_expiry > self.now", "wallet.next_expiry >= self.now"),
    one("credit lapsed when booked", _CREDITING, "credit.expires_at <= book.now", "credit.expires_at < book.now"),
    one(
        "voucher good for a moment too long",
        _LOAD,
        "WHEN v.expires_at <= moment THEN 'expired'",
        "WHEN v.expires_at < moment THEN 'expired'",
    ),
    one("one bell missing is enough", _PAYING, "if wallet.balance < pay.total:", "if wallet.balance + 1 < pay.total:"),
    one("ownership not asked", _PAYING, "    if owned:\n", "    if False:\n"),
    Mutation(
        "what was bought since the checkout not asked",
        (
            Edit(_STORE, "if in_doubt or not isinstance(command, Pay)]", "if not isinstance(command, Pay)]"),
            Edit(_STORE, "    if not in_doubt:\n", "    if not pays:\n"),
        ),
    ),
    one(
        "transfers counted before the checkout one too many",
        "checkout/reading.py",
        "max([wallet.seq for wallet in own], default=0)",
        "max([wallet.seq for wallet in own], default=0) + 1",
    ),
    one("time of sale not asked when paying", _MEMORY, "or not product.on_sale(now)", "or not product.active"),
    one(
        "time of sale asked before the lock",
        _STORE,
        "look.off_sale(loaded.catalogue, loaded.products, now)",
        "look.off_sale(loaded.catalogue, loaded.products, asked_at)",
    ),
    one("on sale for a moment too long", _PRODUCT, "now < until", "now <= until"),
    one("on sale a moment too late", _PRODUCT, "since <= now", "since < now"),
    one("withdrawn product can be paid", _PAYING, "    if unavailable:\n", "    if False:\n"),
    one(
        "catalogue's version not compared",
        _MEMORY,
        "if version == self._edition.version or len(self.unknown)",
        "if version or len(self.unknown)",
    ),
    one(
        "withdrawn coupon can be paid",
        _LOAD,
        "WHEN c.status = 'withdrawn' THEN 'withdrawn'",
        "WHEN false THEN 'withdrawn'",
    ),
    one("first purchase not asked", _LOAD, "WHEN c.first_purchase AND (", "WHEN false AND ("),
    one("voucher's use not asked", _LOAD, "WHEN v.used_by IS NOT NULL THEN 'used'", "WHEN false THEN 'used'"),
    one(
        "one voucher more for each customer",
        _CLAIM,
        "IF count_held >= c.per_customer THEN",
        "IF count_held > c.per_customer THEN",
    ),
    one("supply of a coupon not asked", _CLAIM, "AND (k.total_limit IS NULL OR k.claimed < k.total_limit)", ""),
    # Arithmetic
    one("percent rounded up", "coupons/cuts.py", "* self.percent // 100", "* -self.percent // 100 * -1"),
    one(
        "smallest remainder first",
        "coupons/spread.py",
        "[-(total * weight % whole) for weight in weights]",
        "[total * weight % whole for weight in weights]",
    ),
    one("minimum spend off by one", "coupons/conditions.py", "if spent >= required:", "if spent > required:"),
    one("paid bells spent before bonus", _LOTS, 'return name if "@" in name else name + "~"', "return name[1:]"),
    one("lots without expiry spent first", _LOTS, 'return name if "@" in name else name + "~"', "return name"),
    one(
        "discount booked as revenue",
        _PAYING,
        "            amounts.append(line.price)\n",
        "            amounts.append(line.payable)\n",
    ),
    # Adjustments, and credits taken back
    one("adjustment below 0", _ADJUSTING, "if wallet.balance + amount < 0:", "if False:"),
    one("adjustment above what a wallet holds", _ADJUSTING, "if wallet.balance + amount > MAX_AMOUNT:", "if False:"),
    one(
        "adjustment booked as often as it is sent",
        _ADJUSTING,
        "cause_of(self.customer, KIND, self.adjustment_id)",
        'cause_of(self.customer, KIND, f"{self.adjustment_id} {id(self)}")',
    ),
    one("adjustment's content not compared", _ADJUSTING, "if same else Problem", "if adjust else Problem"),
    one(
        "adjustment takes paid bells first",
        _ADJUSTING,
        "lots.take(held, -amount)",
        "lots.take((held[0][::-1], held[1][::-1]), -amount)",
    ),
    one("adjustment adds paid bells", _ADJUSTING, 'lots.lot_name("bonus", None)', 'lots.lot_name("paid", None)'),
    one("reversal's idempotency check removed", _REVERSING, "if booked is not None:", "if False:"),
    one("reversal of a credit that was spent", _REVERSING, "if left < 0:", "if wallet.balance < reverse.amount:"),
    one(
        "reversal from another lot",
        _REVERSING,
        "accounts = [lots.account_of(reverse.lot),",
        "accounts = [lots.account_of(lots.lot_kind(reverse.lot)),",
    ),
    # Refunds, and rights without a payment
    one(
        "right not revoked",
        _REFUNDING,
        "book.revoke(refund.customer, [line.product_id for line in taken.lines],",
        "book.revoke(refund.customer, [],",
    ),
    one(
        "refunded line refunded again",
        _REFUNDING,
        "earlier = [detail_of(row) for row in book.refunds(refund.order_id)]",
        "earlier: list[Detail] = []",
    ),
    one("refund of a refunded line accepted", _REFUNDING, "if name in gone]:", "if False]:"),
    one("bells go back to the lots first taken", _REFUNDING, "in reversed(lots.of_legs(", "in (lots.of_legs("),
    one(
        "what a part gave back is given back again",
        _REFUNDING,
        "_sources(paid, before, amount):",
        "_sources(paid, 0, amount):",
    ),
    one("lapsed bells live on", _REFUNDING, "if expiry is None or expiry > book.now:", "if True:"),
    one("customers' lapsed bells live again", "library/refunds.py", "None if own else self.extend", "self.extend"),
    Mutation(
        "voucher given back twice",
        (
            Edit(_REFUNDING, "back = done and refund", "back = refund"),
            Edit(_SAVE, "WHEN n.saved IS NULL THEN v.used_by = n.order_id", "WHEN n.saved IS NULL THEN true"),
        ),
    ),
    one("fraud gives vouchers back", _REFUNDING, " and not fraud", ""),
    one(
        "fraud of an earlier part forgotten",
        _REFUNDING,
        "(refund.reason, *(detail.reason for detail in earlier))",
        "(refund.reason,)",
    ),
    one("voucher kept by the refunded order", _REFUNDING, "book.give_back(refund.customer, taken", "(taken"),
    one(
        "order with vouchers refunded in parts",
        _REFUNDING,
        "if order.vouchers and not whole and not refund.keep_discount:",
        "if False:",
    ),
    one("refunded bells are not the discounted ones", _REFUNDING, "[line.payable for", "[line.price for"),
    Mutation(
        "that a product was opened is ignored",
        (
            Edit(_REFUNDING, "if book.opened(refund.customer, line.product_id):", "if False:"),
            Edit(_SAVE, " AND NOT (n.unopened AND o.opened_at IS NOT NULL)", ""),
        ),
    ),
    one(
        "opened while the refund is decided",
        _SAVE,
        " AND NOT (n.unopened AND o.opened_at IS NOT NULL)",
        "",
    ),
    one("use of a right not noted", "library/entitlements.py", "if not self.noted or", "if True or"),
    one("customer's refund after its days", _REFUNDING, "book.now - order.paid_at > refund.within", "False"),
    one("refund's idempotency check removed", _REFUNDING, "if booked is not None:", "if False:"),
    one("refund's content not compared", _REFUNDING, "if same else Problem", "if refund else Problem"),
    one("customers and operators share refundIds", _REFUNDING, '"own " if', '"" if'),
    one("anybody's order refunded", "library/refunds.py", "if row[1] == owner.customer]", "]"),
    one(
        "replay of a payment after its refund pays again",
        _PAYING,
        "if paid is not None:",
        "if paid is not None and book.owned(pay.customer, pay.rights):",
    ),
    one(
        "order's right ended by a revocation",
        "backoffice/rights.py",
        " AND t.kind = '{GRANT}'",
        "",
    ),
    one("grant of what is owned", _GRANTING, "if book.owned(command.customer, [command.product_id]):", "if False:"),
    one(
        "rows without bells not counted",
        _BOOK,
        "    for wallet in wallets:\n        known",
        "    for wallet in wallets:\n        if not wallet.currency:\n            continue\n        known",
    ),
    one("positions fall within a batch", _SAVE, "n.balance, n.at, here,", "n.balance, n.at, here - n.seq,"),
    one(
        "refunds shown in another order",
        "ledger/orders.sql",
        "ORDER BY r.seq) AS refunds",
        "ORDER BY r.seq DESC) AS refunds",
    ),
    one("order refunded in part called refunded", "library/orders.py", '"partly_refunded" if', '"refunded" if'),
    # Durability
    one("answered before the commit", _STORE, "saving(bucket, changes), _COMMIT)", "saving(bucket, changes))"),
    one(
        "unknown outcome called not executed",
        _SETTLEMENT,
        "attempt.unknown |= is_away(error)",
        "attempt.failed |= False",
    ),
    one("full disk taken for a command's fault", "db/failures.py", "        _SHORT_OF_SOMETHING,\n", ""),
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
    one(
        "answers of a batch mixed up",
        "db/gather.py",
        "zip(batch, results, strict=True)",
        "zip(batch, [*results[1:], results[0]], strict=True)",
    ),
    # Money that comes and goes back
    *OF_TOPUPS,
)
