"""All parsers, with samples of a fixed seed: an input that was saved means the same in every run."""

import warnings
from pathlib import Path

from proof.attacks.world import World
from proof.fuzz.catalogue import catalogue_parsers
from proof.fuzz.parser import Parser
from proof.fuzz.payments import payment_parsers
from proof.fuzz.tokens import token_parsers

NAMES = (
    "session-token",
    "session-claims",
    "order-token",
    "offer",
    "platform-token",
    "platform-claims",
    "platform-keys",
    "payment-es256",
    "payment-hmac-sha256",
    "payment-md5",
    "signature-es256",
    "signature-hmac-sha256",
    "signature-md5",
    "catalogue-csv",
    "catalogue-jsonl",
)


def parsers_of(folder: Path) -> dict[str, Parser]:
    """The parsers by NAMES; `folder` is for keyrings and files, and must outlast them."""
    warnings.filterwarnings("ignore", "EdDSA is deprecated")  # the contract names it
    world = World("1", folder)
    found = {p.name: p for p in (*token_parsers(world), *payment_parsers(world), *catalogue_parsers(folder))}
    assert tuple(found) == NAMES, "every parser has its name"
    return found
