"""A statement of account: what it states, and its verification, which needs the public keys and nothing else."""

from hashlib import sha256
from typing import Annotated

import msgspec

from lingdang.journal.chain import entry_text, extend
from lingdang.signer import PublicKeys, SignatureError, verify

TYP = "statement+jwt"

Hash = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{64}\Z")]


class Stand(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A wallet after row `seq` of its customer's journal (0: before the first): its balance, the journal's chain."""

    seq: int
    balance: int
    chain: Hash


class StatedTransfer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A journal row as it is sealed. `record` is the hash of all else that is fixed about it."""

    seq: int
    kind: str
    cause: str
    reference: str
    amount: int
    balance: int
    at: str
    position: str
    accounts: list[str]
    amounts: list[int]
    record: Hash


class Other(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A row of another currency, or without bells: only its place in the chain is told."""

    seq: int
    digest: Hash


class Statement(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """The claims: every row of a customer's journal between two stands, those of one wallet in full.

    `customer` is the key in the rows. `sealed_to` is how far the journal was sealed by then.
    """

    iss: str
    sub: str
    customer: str
    jti: str
    iat: int
    currency: str
    from_: str = msgspec.field(name="from")
    to: str = msgspec.field()
    opening: Stand
    transfers: list[StatedTransfer]
    others: list[Other]
    closing: Stand
    sealed_to: int


def verify_statement(jws: str, keys: PublicKeys) -> Statement:
    """The statement, after every check. Raises SignatureError with the reason."""
    try:
        statement = msgspec.json.decode(verify(jws, TYP, keys), type=Statement)
    except msgspec.MsgspecError as error:
        raise SignatureError(f"it is not a statement: {error}") from None
    stand = statement.opening
    rows: list[StatedTransfer | Other] = [*statement.transfers, *statement.others]
    for row in sorted(rows, key=lambda row: row.seq):
        stand = after(statement, stand, row)
    if stand != statement.closing:
        raise SignatureError("the transfers do not lead to the closing balance and chain")
    return statement


def after(statement: Statement, stand: Stand, row: StatedTransfer | Other) -> Stand:
    """Where a wallet stands after one more row. Raises SignatureError for one that cannot follow."""
    if row.seq != stand.seq + 1:
        raise SignatureError(f"transfer {stand.seq + 1} is missing")
    if isinstance(row, Other):
        return Stand(row.seq, stand.balance, _extended(stand, bytes.fromhex(row.digest)))
    if row.balance != stand.balance + row.amount:
        raise SignatureError(f"the balance after transfer {row.seq} is not the one before plus its amount")
    if len(row.accounts) != len(row.amounts) or sum(row.amounts) != 0:
        raise SignatureError(f"the legs of transfer {row.seq} do not sum to zero")
    return Stand(row.seq, row.balance, _extended(stand, _digest(statement, row)))


def _extended(stand: Stand, digest: bytes) -> str:
    return extend(bytes.fromhex(stand.chain), [digest]).hex()


def _digest(statement: Statement, row: StatedTransfer) -> bytes:
    text = entry_text(
        statement.customer,
        row.seq,
        statement.currency,
        row.kind,
        row.cause,
        row.reference,
        row.amount,
        row.balance,
        row.at,
        row.position,
        row.accounts,
        row.amounts,
        row.record,
    )
    return sha256(text.encode()).digest()


def verify_file(text: str, keys: PublicKeys) -> list[Statement]:
    """The statements of a file, one a line, each joining up with the one before. Raises SignatureError."""
    statements: list[Statement] = []
    for number, line in enumerate(text.split("\n"), 1):
        if not line and number > 1:
            continue
        try:
            statements.append(verify_statement(line, keys))
        except SignatureError as error:
            raise SignatureError(f"line {number}: {error}") from None
        if number > 1 and not joins(statements[-2], statements[-1]):
            raise SignatureError(f"line {number}: it does not go on from where the line before ends")
    return statements


def joins(earlier: Statement, later: Statement) -> bool:
    """Whether one statement goes on exactly where another of the same wallet ends."""
    names = [(s.iss, s.sub, s.customer, s.currency) for s in (earlier, later)]
    return names[0] == names[1] and earlier.closing == later.opening
