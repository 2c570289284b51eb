"""A seal, the log that all seals are chained into, and the key that authenticates each of them."""

import hmac
from hashlib import sha256
from typing import NamedTuple

import msgspec

from lingdang.keys import Keyring

LOG_START = bytes(32)

_encode = msgspec.json.Encoder().encode


class Seal(NamedTuple):
    """One stretch of one customer's journal, `first_seq` to `last_seq`, as the table `seal` has it."""

    place: int
    customer: int
    bucket: int
    first_seq: int
    last_seq: int
    digests: bytes
    chain: bytes
    key_version: int
    mac: bytes

    def leaf(self) -> bytes:
        """What the log and the MAC cover. The digests are covered through the chain."""
        return leaf(self.place, self.customer, self.first_seq, self.last_seq, self.chain)


def leaf(place: int, customer: int, first_seq: int, last_seq: int, chain: bytes) -> bytes:
    """The bytes of one seal in the log."""
    return _encode((place, customer, first_seq, last_seq, chain.hex()))


def extend_log(root: bytes, leaf: bytes) -> bytes:
    """The log's hash after one more seal."""
    return sha256(root + sha256(leaf).digest()).digest()


def mac_of(key: bytes, leaf: bytes) -> bytes:
    """A seal's MAC: HMAC-SHA-256, cut to 16 bytes."""
    return hmac.digest(key, leaf, "sha256")[:16]


class SealKeys:
    """The keys of the MACs, by the keyring's versions."""

    def __init__(self, keyring: Keyring) -> None:
        self._keyring = keyring

    def sealing(self) -> tuple[int, bytes]:
        """The version that seals now, and its key."""
        kid, key = self._keyring.current("journal-seal")
        return int(kid.removeprefix("k")), key

    def genuine(self, seal: Seal) -> bool | None:
        """Whether the seal is one of this deployment's; None when its key is retired, so that only the log can tell."""
        key = self._keyring.known(f"k{seal.key_version}", "journal-seal")
        return None if key is None else hmac.compare_digest(mac_of(key, seal.leaf()), seal.mac)
