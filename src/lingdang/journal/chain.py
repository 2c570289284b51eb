"""The chain of a wallet's transfers: pure, and the same for whoever verifies without the database.

digest(n) = SHA-256(text of transfer n)         the text is `entry_text`, which the database writes likewise
chain(n)  = SHA-256(chain(n − 1) ‖ digest(n))   chain(0) = 32 zero bytes
"""

import json
from collections.abc import Iterable, Sequence
from hashlib import sha256

FORM = "lingdang-journal-1"
START = bytes(32)
SIZE = 32


def entry_text(
    cust_id: str,
    currency: str,
    seq: int,
    kind: str,
    reference: str,
    amount: int,
    balance: int,
    at: str,
    accounts: Sequence[str],
    amounts: Sequence[int],
    record: str | None,
) -> str:
    """The canonical text of a transfer: as PostgreSQL prints a jsonb list. `at` has microseconds and ends in Z."""
    members = [FORM, cust_id, currency, seq, kind, reference, amount, balance, at, accounts, amounts, record]
    return json.dumps(members, ensure_ascii=False)


def extend(chain: bytes, digests: Iterable[bytes]) -> bytes:
    """The chain after further transfers."""
    for digest in digests:
        chain = sha256(chain + digest).digest()
    return chain


def split(digests: bytes) -> list[bytes]:
    """The digests of a seal one by one; a rest that is too short is a digest of its own, and equals none."""
    return [digests[start : start + SIZE] for start in range(0, len(digests), SIZE)]
