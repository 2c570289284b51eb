"""Receipts: which right each is of, for how long, and the list of those whose right has ended."""

import json
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from lingdang.clock import system_clock
from lingdang.db.pool import Pool
from lingdang.keys import Keyring
from lingdang.library.entitlements import Entitlement, Right
from lingdang.library.receipts import Receipts
from lingdang.signer import Signer, verify

NOW = system_clock().replace(microsecond=0)
CAUSE = UUID(int=7)
ANN = 11


@pytest.fixture
def receipts(keyring: Keyring) -> Receipts:
    return Receipts(Signer(keyring), "shop", valid_seconds=60)


def right(product_id: str = "emma", cause: UUID = CAUSE, grant_id: str | None = None) -> Right:
    order_id = None if grant_id else cause
    return Right(Entitlement(product_id, NOW, order_id, grant_id), cause, granted_by=2, opened=False)


def claims(receipts: Receipts, keyring: Keyring, customer: int = ANN, **fields: Any) -> dict[str, Any]:
    jws = receipts.make(customer, "ann", right(**fields), NOW)
    found: dict[str, Any] = json.loads(verify(jws, "entitlement+jwt", Signer(keyring).public_keys()))
    return found


def test_a_receipt_says_whose_right_by_what_and_until_when(receipts: Receipts, keyring: Keyring) -> None:
    said = claims(receipts, keyring)
    assert (said["iss"], said["sub"], said["productId"], said["orderId"]) == ("shop", "ann", "emma", str(CAUSE))
    assert said["exp"] - said["iat"] == 60
    granted = claims(receipts, keyring, grant_id="g-1")
    assert (granted["grantId"], "orderId" in granted) == ("g-1", False)


def test_a_right_has_one_id_in_all_of_its_receipts_and_no_other_right_has_it(
    receipts: Receipts, keyring: Keyring
) -> None:
    first, again = claims(receipts, keyring), claims(receipts, keyring)
    assert first["jti"] != again["jti"]
    others = [
        claims(receipts, keyring),
        claims(receipts, keyring, product_id="other"),
        claims(receipts, keyring, cause=UUID(int=8)),
        claims(receipts, keyring, customer=22),
    ]
    assert len({each["rid"] for each in others}) == 4
    assert others[0]["rid"] == first["rid"]


async def test_nothing_ended_is_a_list_too_and_is_made_once(
    receipts: Receipts, keyring: Keyring, database_url: str
) -> None:
    async with Pool(database_url, 1, pgbouncer=False) as pool:
        first = await receipts.revoked(pool, NOW)
        assert json.loads(verify(first.text.decode(), "revoked+jwt", Signer(keyring).public_keys()))["rids"] == []
        assert await receipts.revoked(pool, NOW + timedelta(seconds=5)) is first


def test_the_keys_that_verify_them_are_published(receipts: Receipts, keyring: Keyring) -> None:
    assert receipts.jwks() == Signer(keyring).jwks()
