"""The built-in login: what it tells, what it limits, and what a new password does."""

import asyncio
import unicodedata
from typing import Any

import argon2
import pytest

from lingdang.clock import system_clock
from lingdang.db.pool import Pool
from lingdang.errors import Problem
from lingdang.identity.login_limits import LoginLimits
from lingdang.identity.logins import Logins
from lingdang.identity.passwords import Passwords
from lingdang.keys import Keyring
from lingdang.pacing import Pacing
from support.buyer import buyer
from support.people import PASSWORD, api_key, login, open_session, register
from support.shop import Shop


async def test_a_refusal_does_not_tell_who_exists(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """Wrong, unknown and without a password: one answer, and one verification of a hash each."""
    await register(shop, "ann")
    await register(shop, "nopass", None)
    verified: list[str] = []
    verify = argon2.PasswordHasher.verify

    def counted(hasher: argon2.PasswordHasher, stored: str, password: bytes) -> bool:
        verified.append(stored.split("$")[3])
        return verify(hasher, stored, password)

    monkeypatch.setattr(argon2.PasswordHasher, "verify", counted)
    answers = [await open_session(shop, custId=cust_id, password="wrong horse") for cust_id in ("ann", "bob", "nopass")]
    bodies = [answer.json() for answer in answers]
    for body in bodies:
        assert body.pop("requestId")
    assert [answer.status_code for answer in answers] == [401] * 3
    assert bodies[0] == bodies[1] == bodies[2]
    assert {str(sorted(set(a.headers) - {"content-length", "date"})) for a in answers}.__len__() == 1
    assert len(verified) == 3
    assert "horse" not in str(bodies)
    assert shop.sql("SELECT * FROM password_session") == []


async def test_wrong_api_keys_are_answered_at_that_pace(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    held: list[int] = []

    async def hold(_: Pacing) -> None:
        held.append(1)

    monkeypatch.setattr(Pacing, "hold", hold)
    await register(shop, "ann")
    key = await api_key(shop)
    wrong = {"Authorization": key["Authorization"][:-2] + "__"}
    for headers, status in ((key, 200), (wrong, 401), ({}, 401), (key, 200)):
        assert (await shop.http.get("/v1/admin/orders?custId=ann", headers=headers)).status_code == status
    assert len(held) == 2


async def test_a_new_password_ends_the_sessions_of_the_old(shop: Shop, database_url: str, keyring: Keyring) -> None:
    ann, bob = await login(shop), await login(shop, "bob")
    platform = buyer(shop, "ann")  # not opened with a password

    async def statuses() -> list[int]:
        return [(await who.get("/v1/sessions/current")).status_code for who in (ann, bob, platform)]

    assert not (await register(shop, "ann")).created
    assert not (await register(shop, "ann", None)).created
    assert await statuses() == [200, 200, 200], "the same password again changes nothing"
    await register(shop, "ann", "another horse")
    assert await statuses() == [401, 200, 200]
    assert (await open_session(shop)).status_code == 401
    assert (await open_session(shop, password="another horse")).status_code == 201


async def test_a_login_that_meets_a_change_of_password_opens_nothing(shop: Shop) -> None:
    await register(shop, "ann")
    now = system_clock()
    async with Pool(shop.database_url, 2, pgbouncer=False) as pool:
        logins = Logins(pool, 1, Passwords(), LoginLimits(pool, system_clock, 3, 3, 900))
        proof = await logins.verify("ann", PASSWORD, "192.0.2.1")
        await register(shop, "ann", "another horse")
        with pytest.raises(Problem, match="unauthenticated"):
            await logins.keep(proof, shop.sessions.issue(proof.customer, "MD5", None, now))
    assert shop.sql("SELECT * FROM password_session") == []


async def test_the_same_letters_from_another_keyboard(shop: Shop) -> None:
    password = "Pässwörter 铃铛"
    await register(shop, "ann", unicodedata.normalize("NFC", password))
    assert (await open_session(shop, password=unicodedata.normalize("NFD", password))).status_code == 201


async def test_parallel_logins_all_succeed(shop: Shop) -> None:
    await register(shop, "ann")
    answers: list[Any] = await asyncio.gather(*(open_session(shop) for _ in range(9)))
    assert {answer.status_code for answer in answers} == {201}
    assert shop.sql("SELECT count(*) FROM password_session") == [(9,)]
