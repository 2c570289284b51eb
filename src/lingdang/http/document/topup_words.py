"""What the names of top-ups mean, as lingdang.http.document.words does: real money stands beside bells here."""

from lingdang.http.document.word import Word, moment

TOPUP_ID = "019ab0c5-5800-7000-8000-0000000000c1"
_SIX = {"amount": 600, "currency": "CNY"}
_ACCOUNT = "wechat"

WORDS: dict[str, Word] = {
    "action": Word("What the client does next."),
    "bonusExpiresAfterDays": Word(
        "What is left of the bonus lapses so many days after the crediting; null: never.", 90
    ),
    "askedAt": moment("When it was asked for.", "2026-11-23T09:00:00Z"),
    "consumed": Word("How much was spent, in thousandths of a percent: 100,000 is all.", 63492),
    "decided": Word("What an operator decided; null while nobody has, or need not.", None),
    "doneAt": moment("When the provider had done it; null while it has not.", "2026-11-23T09:00:00Z"),
    "heard": Word("What the provider told, newest first."),
    "left": Word("Bells that are left of it.", 230),
    "refused": Word("Why the provider refused; null where it has not.", None),
    "taken": Word("Bells that went back with their money.", 0),
    "test": Word("Whether it was paid with play money.", False),
    "campaign": Word("The platform's id of the campaign.", "spring"),
    "codes": Word("The codes, as they are handed out.", ["7K3M9Q-0VWX4A-CDEFGH"]),
    "redeemedAt": moment("When its bells were credited.", "2026-11-23T08:01:00Z"),
    "channel": Word("How it is paid: `web`, `app`, `jsapi` (inside the provider's own app) or `store`.", "web"),
    "channels": Word("The ways of paying there.", ["web"]),
    "differs": Word("What of the payment was not as agreed.", ["amount"]),
    "disputed": Word("Minor units of the money that open disputes hold.", 0),
    "lost": Word("Minor units of the money that lost disputes took.", 0),
    "least": Word("The fewest bells of a free amount.", 100),
    "most": Word("The most bells of a free amount.", 100_000),
    "packageId": Word("The platform's id of the package.", "bells-600"),
    "params": Word("What the provider's own code is handed.", {"prepay_id": "wx201410272009395522657a690389285100"}),
    "payerId": Word(
        "Who pays, as the provider knows them; null where it does not ask.", "oUpF8uMuAJO_M2pxb1Q9zNjWeS6o"
    ),
    "perBell": Word("What bells of a free amount cost; null where the amount is fixed."),
    "provider": Word("The account at a provider, as the settings call it.", _ACCOUNT),
    "providers": Word("The accounts through which it can be bought."),
    "received": Word("The money that came; null while none has."),
    "purchaseToken": Word("Google's purchase token; null at Apple.", "opaque-token-up-to-1500-characters"),
    "signedTransaction": Word("Apple's signed transaction, a JWS; null at Google.", None),
    "returnUrl": Word(
        "Where the payer is sent back to: a path, or an address of an allowed origin. `{topupId}` becomes the id.",
        "/topups",
    ),
    "storeProducts": Word("Its product's id at each store, by account.", {"apple": "bells.600"}),
    "supportReference": Word("In review, what the customer tells the shop.", "0000-0000-00C1"),
    "terms": Word("What the customer was shown; null: whatever it is by now."),
    "topupId": Word("The top-up's UUID.", TOPUP_ID),
}

_PRICE = Word("The real money for it.", _SIX)
_MONEY_CURRENCY = Word("A currency by its ISO 4217 code.", "CNY")

SPECIAL: dict[str, Word] = {
    **{f"{schema}.price": _PRICE for schema in ("Package", "PackageOffer", "PackageView", "Terms")},
    **{f"{schema}.currency": _MONEY_CURRENCY for schema in ("Money", "PerBell", "RealMoney")},
    **{
        f"{schema}.paid": Word("Bells that are paid for.", 600)
        for schema in ("Package", "PackageOffer", "PackageView", "Terms")
    },
    **{
        f"{schema}.bonus": Word("Bells given besides.", 30)
        for schema in ("Package", "PackageOffer", "PackageView", "Terms")
    },
    **{f"{schema}.active": Word("Whether it is sold.", True) for schema in ("Package", "PackageView")},
    **{
        f"{schema}.providers": Word("The accounts through which it is sold; none: all.", [_ACCOUNT])
        for schema in ("Package", "PackageView")
    },
    **{
        f"{schema}.name": Word("What customers read.", "600 bells and 30 more")
        for schema in ("Package", "PackageOffer", "PackageView", "TopupView")
    },
    "ActionView.url": Word(
        "What is opened, or shown as a QR code; null where there is none.", "https://pay.example/c/cs_test_a1"
    ),
    "ActionView.kind": Word("What is done with it.", "redirect"),
    "Money.amount": Word("Whole minor units: fen, cents, yen.", 600),
    "Offered.kind": Word("Which provider it is: `stripe`, `wechat`, `alipay`, `apple`, `google`, `sandbox`.", _ACCOUNT),
    "PerBell.amount": Word("Whole minor units for each `bells` bells, rounded up in all.", 1),
    "PerBell.bells": Word("So many bells.", 1),
    "RealMoney.amount": Word("Whole minor units: fen, cents, yen.", 600),
    "WalletCredited.kind": Word("`paid` or `bonus`; null where they are of both.", "paid"),
    "WalletCredited.price": Word("Of a top-up, the money that was paid; null of any other credit.", _SIX),
    "WalletCredited.test": Word("Whether nobody has paid for them.", False),
    "CodesRequest.amount": Word("Bells of bonus that each code is worth.", 100),
    "CodesRequest.count": Word("How many codes.", 2),
    "CodesRequest.expiresAt": moment("Until when they are good; null: without an end.", "2027-01-31T16:00:00Z"),
    "RedeemAnswer.amount": Word("Bells of bonus that it was worth.", 100),
    "RedeemAnswer.expiresAt": moment("When what is left of them lapses; null: never.", "2027-01-31T16:00:00Z"),
    "RedeemRequest.code": Word("The code, in any spelling that reads the same.", "7K3M9Q-0VWX4A-CDEFGH"),
    "DecisionRequest.decision": Word("`accept` credits what was agreed, `return` gives the money back.", "accept"),
    "Heard.account": Word("Whose inbox it is in.", _ACCOUNT),
    "Heard.entry": Word("By what it is known there.", "told 7a3d"),
    "Heard.verdict": Word("`sound`, `probe`, or `forged` with why.", "sound"),
    "Heard.type": Word("The provider's own word for what happened.", "TRANSACTION.SUCCESS"),
    "LeftView.debt": Word("Bells that the whole wallet owes.", 0),
    "LeftView.frozen": Word("Bells that an open dispute holds.", 0),
    "LeftView.spent": Word("Bells that were spent or have lapsed.", 400),
    "RefundMoney.amount": Word("Minor units; null: what the bells that are left cost.", 300),
    "RefundOfMoney.amount": Word("Minor units of the money.", 300),
    "RefundOfMoney.currency": _MONEY_CURRENCY,
    "RefundOfMoney.status": Word("`pending`, `done` or `refused`.", "done"),
    "BellsView.debtPaid": Word("Of its bells, those that paid a debt as they came.", 0),
    "BellsView.frozen": Word("Bells that an open dispute holds.", 0),
    "BellsView.owed": Word("Of those taken back, the ones that had been spent and became a debt.", 0),
    "TopupDetail.refunds": Word("Money that operators gave back, oldest first."),
    "TopupRequest.amount": Word("The bells of a free amount; null for any other package.", None),
    "TopupTold.price": Word("The money that was agreed."),
    "TopupView.bonus": Word("Bells that are given besides.", 30),
    "TopupView.createdAt": moment("When it was begun.", "2026-11-23T08:00:00Z"),
    "TopupView.creditedAt": moment("When its bells were credited; null while they were not.", "2026-11-23T08:01:00Z"),
    "TopupView.expiresAt": moment("Until when it can be paid.", "2026-11-23T09:00:00Z"),
    "TopupView.paid": Word("Bells that are paid for.", 600),
    "TopupView.paidAt": moment("When its money came; null while none has.", "2026-11-23T08:01:00Z"),
    "TopupView.price": Word("The money that was agreed."),
    "TopupView.refunded": Word("Minor units of the money that went back.", 0),
    "TopupView.status": Word("In which state it is; it follows from the money.", "pending"),
}
SPECIAL |= {
    f"{schema}.{name.partition('.')[2]}": word
    for name, word in SPECIAL.items()
    if name.startswith("TopupView.")
    for schema in ("OneTopup", "TopupOfCustomer", "TopupDetail")
} | {
    f"{schema}.{name}": word
    for schema in ("TopupOfCustomer", "TopupDetail")
    for name, word in {
        "custId": Word("Whose it is; null: nobody's, or the customer was erased.", "ann"),
        "reference": Word("The provider's id of the payment.", "4200002345202611231234567890"),
        "name": Word("What the customer read.", "600 bells and 30 more"),
    }.items()
}
SPECIAL["OneTopup.bells"] = Word("What has become of its bells; null while they were not credited.")
SPECIAL["TopupDetail.left"] = Word("What has become of its bells; null while it was not credited.")
