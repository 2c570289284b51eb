"""Causes: what each row of the journal stands for, as 16 bytes; a cause has one row.

An order's id is its own cause. What a sender names is unique within the customer and its kind only, so its cause is a
hash of the three. Its first byte is 0: new order ids, which begin with their time, stay at the end of the index.
"""

from hashlib import sha256
from uuid import UUID


def cause_of(customer: int, kind: str, reference: str) -> UUID:
    """The cause of what `reference` names: the first 15 bytes of SHA-256 over the three, after a byte 0."""
    return UUID(bytes=b"\0" + sha256(f"{customer} {kind} {reference}".encode()).digest()[:15])
