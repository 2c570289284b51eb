"""A ledger's wallets and journal as the auditor reads tables."""

from typing import Any

import msgspec

from proof.simulation.plan import key_of
from support.ledger import Ledger
from support.story import ANN

Tables = dict[str, list[dict[str, Any]]]


def tables_of(ledger: Ledger) -> Tables:
    """What the database would answer of ann's ledger, as JSON shows it."""
    rows = [{**_shown(row), "position": row.seq} for row in ledger.rows]
    wallets = [_shown(wallet) for wallet in ledger.wallets.values()]
    empty = ("orders", "credit", "entitlement", "voucher", "coupon", "gift_code")
    known = [{"customer": key_of(ANN), "customer_id": ANN}]
    return {"customer": known, "wallet": wallets, "transfer": rows, **{name: [] for name in empty}}


def _shown(value: Any) -> Any:
    return msgspec.json.decode(msgspec.json.encode(msgspec.structs.asdict(value)))
