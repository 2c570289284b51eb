"""The chain of a customer's journal: pure, and the same for whoever verifies without the database.

digest(n) = SHA-256(text of row n)              the text is `entry_text`, which the database writes likewise
chain(n)  = SHA-256(chain(n − 1) ‖ digest(n))   chain(0) = 32 zero bytes
"""

import json
from collections.abc import Iterable, Sequence
from hashlib import sha256

FORM = "lingdang-journal-2"
START = bytes(32)
SIZE = 32


def entry_text(
    customer: str,
    seq: int,
    currency: str,
    kind: str,
    cause: str,
    reference: str,
    amount: int,
    balance: int,
    at: str,
    position: str,
    accounts: Sequence[str],
    amounts: Sequence[int],
    record: str,
) -> str:
    """The canonical text of a row: as PostgreSQL prints a jsonb list. `at` has microseconds and ends in Z."""
    place = [FORM, customer, seq, currency, kind, cause, reference]
    return json.dumps([*place, amount, balance, at, position, accounts, amounts, record], ensure_ascii=False)


def extend(chain: bytes, digests: Iterable[bytes]) -> bytes:
    """The chain after further rows."""
    for digest in digests:
        chain = sha256(chain + digest).digest()
    return chain


def split(digests: bytes) -> list[bytes]:
    """The digests of a seal one by one; a rest that is too short is a digest of its own, and equals none."""
    return [digests[start : start + SIZE] for start in range(0, len(digests), SIZE)]
