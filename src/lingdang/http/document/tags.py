"""The document's chapters: one for each step of the flow, then those of the people who run the shop."""

TAGS: dict[str, str] = {
    "sessions": "Who asks. A session names the customer and fixes how payments are signed.",
    "catalogue": "What is sold, and at which price.",
    "cart": "① What the customer has ticked, at today's prices.",
    "vouchers": "The customer's vouchers, and codes that give one. A *coupon* is what the shop defines, a *voucher* a "
    "customer's own piece of it.",
    "checkout": "②③ The composite call: prices, vouchers and wallet in one answer, with the order token that pays it.",
    "payments": "④⑤ The signed confirmation. One transaction takes the bells, records the order and gives the rights.",
    "library": "⑥ What the customer owns: rights with receipts, orders, and the access check of a reverse proxy.",
    "wallet": "Balances, movements and the signed statement of account.",
    "refunds": "Bells back, rights back.",
    "topups": "Bells for real money: packages, payments at a provider, and what became of them.",
    "operators": "What the platform's own servers ask, with an API key whose scopes allow it.",
    "events": "What the platform's servers are told: in the feed, and as webhooks.",
    "operations": "Whether the server is alive and ready, and how it does.",
}
"""By name, with what each is about, in the flow's sequence."""

GROUPS: dict[str, tuple[str, ...]] = {
    "Customers": tuple(name for name in TAGS if name not in ("operators", "events", "operations")),
    "The platform": ("operators", "events", "operations"),
}
"""The chapters as a page shows them together."""
