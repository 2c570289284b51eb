"""Checkpoints: signed states of the log of seals, and how far the journal had been read then."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated

import msgspec

from lingdang.jose import from_base64url
from lingdang.signer import PublicKeys, SignatureError, Signer, verify

TYP = "journal-checkpoint+jwt"


Position = Annotated[str, msgspec.Meta(pattern="^(0|[1-9][0-9]{0,18})$")]
"""As a text: readers of JSON have no numbers that large."""


class Checkpoint(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a checkpoint states: after `place` seals the log's hash is `root` (hex). `number` counts checkpoints.

    `positions`: how far the journal of each bucket had been read.
    """

    iss: str
    iat: int
    number: int
    place: int
    root: Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")]
    positions: list[Position]

    def read_to(self) -> list[int]:
        """The positions as numbers."""
        return [int(position) for position in self.positions]


def sign_checkpoint(
    signer: Signer, issuer: str, number: int, place: int, root: bytes, positions: Sequence[int], now: datetime
) -> str:
    """A checkpoint as a JWS compact."""
    claims = {"iss": issuer, "iat": int(now.timestamp()), "number": number, "place": place, "root": root.hex()}
    return signer.sign(TYP, claims | {"positions": [str(position) for position in positions]})


def read_checkpoint(jws: str, keys: PublicKeys) -> Checkpoint:
    """A checkpoint whose signature is good. Raises SignatureError."""
    try:
        return msgspec.json.decode(verify(jws, TYP, keys), type=Checkpoint)
    except msgspec.MsgspecError as error:
        raise SignatureError(f"it is not a checkpoint: {error}") from None


def peek(jws: str) -> Checkpoint | None:
    """What a checkpoint states, unverified; None when it cannot be read."""
    try:
        return msgspec.json.decode(from_base64url(jws.encode().split(b".")[1]), type=Checkpoint)
    except (msgspec.MsgspecError, ValueError, IndexError):
        return None
