"""A statement of account: what it states, and its verification, which needs the public keys and nothing else."""

from hashlib import sha256
from typing import Annotated

import msgspec

from lingdang.journal.chain import entry_text, extend
from lingdang.signer import PublicKeys, SignatureError, verify

TYP = "statement+jwt"

Hash = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{64}\Z")]


class Stand(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A wallet after its transfer `seq` (0: before the first): the balance, and the chain of its transfers."""

    seq: int
    balance: int
    chain: Hash


class StatedTransfer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A journal row as it is sealed. `record` is the hash of the order or the credit behind it."""

    seq: int
    kind: str
    reference: str
    amount: int
    balance: int
    at: str
    accounts: list[str]
    amounts: list[int]
    record: Hash | None


class Statement(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """The claims: every transfer of one wallet between two stands. `sealed_to` is how far it was sealed by then."""

    iss: str
    sub: str
    jti: str
    iat: int
    currency: str
    from_: str = msgspec.field(name="from")
    to: str = msgspec.field()
    opening: Stand
    transfers: list[StatedTransfer]
    closing: Stand
    sealed_to: int


def verify_statement(jws: str, keys: PublicKeys) -> Statement:
    """The statement, after every check. Raises SignatureError with the reason."""
    try:
        statement = msgspec.json.decode(verify(jws, TYP, keys), type=Statement)
    except msgspec.MsgspecError as error:
        raise SignatureError(f"it is not a statement: {error}") from None
    stand = statement.opening
    for transfer in statement.transfers:
        stand = after(statement.sub, statement.currency, stand, transfer)
    if stand != statement.closing:
        raise SignatureError("the transfers do not lead to the closing balance and chain")
    return statement


def after(cust_id: str, currency: str, stand: Stand, transfer: StatedTransfer) -> Stand:
    """Where a wallet stands after one more transfer. Raises SignatureError for one that cannot follow."""
    if transfer.seq != stand.seq + 1:
        raise SignatureError(f"transfer {stand.seq + 1} is missing")
    if transfer.balance != stand.balance + transfer.amount:
        raise SignatureError(f"the balance after transfer {transfer.seq} is not the one before plus its amount")
    if len(transfer.accounts) != len(transfer.amounts) or sum(transfer.amounts) != 0:
        raise SignatureError(f"the legs of transfer {transfer.seq} do not sum to zero")
    return Stand(transfer.seq, transfer.balance, _chain(cust_id, currency, stand, transfer))


def _chain(cust_id: str, currency: str, stand: Stand, transfer: StatedTransfer) -> str:
    text = entry_text(
        cust_id,
        currency,
        transfer.seq,
        transfer.kind,
        transfer.reference,
        transfer.amount,
        transfer.balance,
        transfer.at,
        transfer.accounts,
        transfer.amounts,
        transfer.record,
    )
    return extend(bytes.fromhex(stand.chain), [sha256(text.encode()).digest()]).hex()


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
    names = [(s.iss, s.sub, s.currency) for s in (earlier, later)]
    return names[0] == names[1] and earlier.closing == later.opening
