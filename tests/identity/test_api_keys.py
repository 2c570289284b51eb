"""API keys: stored as hashes, named, revoked everywhere at once."""

import hashlib

from lingdang.clock import system_clock
from lingdang.db.pool import Connection
from lingdang.identity.api_keys import create_api_key, list_api_keys, revoke_api_key
from lingdang.keys import Keyring
from support.customers import make_known
from support.people import api_key
from support.shop import Shop, open_shop


async def test_a_key_is_stored_as_its_hash_and_refused_everywhere_once_revoked(
    shop: Shop, database_url: str, keyring: Keyring
) -> None:
    headers = await api_key(shop, "orders:read")
    prefix, key_id, secret = headers["Authorization"].removeprefix("Bearer ").split("_", 2)
    assert prefix == "ld"
    digest = hashlib.sha256(secret.encode()).digest()
    assert shop.sql("SELECT key_id, secret_hash FROM api_key") == [(key_id, digest)]
    assert secret not in str(shop.sql("SELECT * FROM api_key"))
    async with open_shop(database_url, keyring) as other:
        make_known(database_url, "ann")
        path = "/v1/admin/orders?custId=ann"
        assert (await other.http.get(path, headers=headers)).status_code == 200
        async with await Connection.connect(database_url, autocommit=True) as connection:
            assert await revoke_api_key(connection, "platform", system_clock())
            assert not await revoke_api_key(connection, "platform", system_clock())
        for each in (shop, other):
            answer = await each.http.get(path, headers=headers)
            assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated")
            assert secret not in answer.text


async def test_a_name_is_free_again_when_its_key_is_revoked(database_url: str) -> None:
    now = system_clock()
    async with await Connection.connect(database_url, autocommit=True) as connection:
        first = await create_api_key(connection, "erp", ["orders:read", "orders:read"], now)
        assert await create_api_key(connection, "erp", ["orders:read"], now) is None
        assert await revoke_api_key(connection, "erp", now)
        second = await create_api_key(connection, "erp", ["orders:refund", "catalog:write"], now)
        assert first is not None
        assert second is not None
        assert first != second
        assert len(first) == len(second) == len("ld_") + 16 + len("_") + 43
        rows = await list_api_keys(connection)
    found = {(row.name, tuple(row.scopes), row.revoked_at) for row in rows}
    assert [row.key_id for row in rows if row.revoked_at is None] == [second.split("_")[1]]
    assert found == {("erp", ("orders:read",), now), ("erp", ("catalog:write", "orders:refund"), None)}
