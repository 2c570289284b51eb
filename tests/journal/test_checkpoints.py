"""Checkpoints: what was signed is read again, and what is none is refused with a reason."""

from typing import Any

import msgspec
import pytest

from lingdang.clock import system_clock
from lingdang.jose import to_base64url
from lingdang.journal.checkpoints import TYP, Checkpoint, peek, read_checkpoint, sign_checkpoint
from lingdang.keys import Keyring
from lingdang.signer import SignatureError, Signer

NOW = system_clock()
FAR = 2**63 - 1


@pytest.fixture
def signer(keyring: Keyring) -> Signer:
    return Signer(keyring)


def test_what_was_signed_is_read(signer: Signer) -> None:
    jws = sign_checkpoint(signer, "shop", 7, 12, b"\x01" * 32, [0, FAR], NOW)
    read = read_checkpoint(jws, signer.public_keys())
    assert read == Checkpoint("shop", int(NOW.timestamp()), 7, 12, "01" * 32, ["0", str(FAR)])
    assert read.read_to() == [0, FAR]
    assert peek(jws) == read


@pytest.mark.parametrize(
    "changed",
    [
        {"root": "01" * 31},
        {"root": "Z" * 64},
        {"positions": [5]},
        {"positions": ["05"]},
        {"positions": ["-1"]},
        {"positions": ["1" * 20]},
        {"more": 1},
        {"number": "7"},
    ],
)
def test_signed_and_yet_no_checkpoint(signer: Signer, changed: dict[str, Any]) -> None:
    claims = {"iss": "s", "iat": 1, "number": 7, "place": 12, "root": "01" * 32, "positions": ["5"]} | changed
    with pytest.raises(SignatureError, match="it is not a checkpoint"):
        read_checkpoint(signer.sign(TYP, claims), signer.public_keys())


def test_a_statement_of_another_type_is_none(signer: Signer) -> None:
    with pytest.raises(SignatureError, match="statement"):
        read_checkpoint(signer.sign("statement+jwt", {}), signer.public_keys())


@pytest.mark.parametrize("text", ["", "a", "a.b.c", "é.é.é", ".e30."])
def test_what_cannot_be_read_is_nothing(text: str) -> None:
    assert peek(text) is None


def test_a_look_asks_for_no_signature(signer: Signer) -> None:
    jws = sign_checkpoint(signer, "shop", 7, 12, bytes(32), [], NOW)
    claims = msgspec.to_builtins(peek(jws)) | {"number": 8}
    forged = f"x.{to_base64url(msgspec.json.encode(claims)).decode()}.x"
    read = peek(forged)
    assert read is not None
    assert read.number == 8
