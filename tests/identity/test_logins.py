"""The built-in login: what it tells, what it limits, and what a new password does."""

import asyncio
import threading
import unicodedata
from collections import Counter
from typing import Any

import argon2
import pytest

from lingdang.clock import system_clock
from lingdang.db.pool import make_pool
from lingdang.errors import Problem
from lingdang.identity.login_limits import LoginLimits, _network
from lingdang.identity.logins import Logins
from lingdang.identity.passwords import Passwords, Verdict
from lingdang.keys import Keyring
from support.buyer import buyer
from support.people import PASSWORD, login, open_session, register
from support.shop import Shop, open_shop

LIMITS = {"login_limit_customer": 3, "login_limit_address": 1000}


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


async def test_the_limit_by_customer(database_url: str, keyring: Keyring) -> None:
    async with open_shop(database_url, keyring, **LIMITS) as shop:
        await register(shop, "ann")
        await register(shop, "bob")
        for cust_id in ("ann", "nobody"):
            for _ in range(3):
                assert (await open_session(shop, custId=cust_id, password="wrong horse")).status_code == 401
            answer = await open_session(shop, custId=cust_id)  # the right one, for ann
            assert (answer.status_code, answer.json()["code"]) == (429, "rate_limited")
            assert 890 <= int(answer.headers["retry-after"]) == answer.json()["retryAfter"] <= 900
        assert shop.sql("SELECT * FROM password_session") == []
        assert (await open_session(shop, custId="bob")).status_code == 201

        moved = "UPDATE login_attempt SET attempts = ARRAY(SELECT a - interval '901 s' FROM unnest(attempts) a)"
        shop.sql(moved + " WHERE subject = 'customer ann'")
        assert (await open_session(shop)).status_code == 201
        assert (await open_session(shop, custId="nobody")).status_code == 429


async def test_each_attempt_is_forgotten_at_its_own_time(database_url: str, keyring: Keyring) -> None:
    async with open_shop(database_url, keyring, **LIMITS) as shop:
        for _ in range(3):
            await open_session(shop, password="wrong horse")
        shop.sql(
            "UPDATE login_attempt SET attempts[1] = attempts[1] - interval '950 s',"
            " attempts[2] = attempts[2] - interval '600 s' WHERE subject = 'customer ann'"
        )
        assert (await open_session(shop, password="wrong horse")).status_code == 401
        answer = await open_session(shop, password="wrong horse")
        assert answer.status_code == 429
        assert 290 <= int(answer.headers["retry-after"]) <= 300


async def test_a_success_forgets_the_customers_failures(database_url: str, keyring: Keyring) -> None:
    async with open_shop(database_url, keyring, **LIMITS) as shop:
        await register(shop, "ann")
        for _ in range(3):
            for _ in range(2):
                assert (await open_session(shop, password="wrong horse")).status_code == 401
            assert (await open_session(shop)).status_code == 201
        assert shop.sql("SELECT * FROM login_attempt WHERE subject = 'customer ann'") == []
        assert shop.sql("SELECT cardinality(attempts) FROM login_attempt") == [(6,)], "the address's are kept"


async def test_the_limit_by_address_is_of_failures(database_url: str, keyring: Keyring) -> None:
    async with open_shop(database_url, keyring, login_limit_customer=10, login_limit_address=4) as shop:
        await register(shop, "ann")
        for _ in range(6):
            assert (await open_session(shop)).status_code == 201
        for n in range(4):
            assert (await open_session(shop, custId=f"c-{n}", password="wrong horse")).status_code == 401
        before = shop.sql("SELECT subject, attempts FROM login_attempt ORDER BY 1")
        assert (await open_session(shop)).status_code == 429
        assert shop.sql("SELECT subject, attempts FROM login_attempt ORDER BY 1") == before


async def test_parallel_guesses_cannot_overrun_the_limit(database_url: str, keyring: Keyring) -> None:
    async with (
        open_shop(database_url, keyring, **LIMITS) as one,
        open_shop(database_url, keyring, **LIMITS) as two,
    ):
        await register(one, "ann")
        guesses = [open_session((one, two)[n % 2], password=f"guess {n:03}") for n in range(30)]
        answers = await asyncio.gather(*guesses)
        assert Counter(answer.status_code for answer in answers) == {401: 3, 429: 27}


async def test_what_was_not_looked_at_is_not_counted(database_url: str) -> None:
    limits = LoginLimits(3, 3, 900)
    async with make_pool(database_url, 2, pgbouncer=False) as pool:
        for _ in range(5):
            with pytest.raises(Problem, match="overloaded"):
                async with limits.attempt(pool, "ann", "192.0.2.1", system_clock()):
                    raise Problem("overloaded")
        async with limits.attempt(pool, "ann", "192.0.2.1", system_clock()):
            pass


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
        ("fe80::1%eth0", "fe80::"),
        ("unknown", "unknown"),
    ],
)
def test_which_addresses_are_one_client(address: str, network: str) -> None:
    assert _network(address) == network


async def test_a_full_queue_of_passwords_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    passwords = Passwords(waiting=1)
    gate = threading.Event()
    with monkeypatch.context() as held:
        held.setattr(passwords, "_verify", lambda *_: Verdict(gate.wait(60)))
        tasks = [asyncio.create_task(passwords.verify("x", None)) for _ in range(8)]
        await asyncio.sleep(0)  # each task comes as far as it can
        refused = [p for task in tasks if task.done() and isinstance(p := task.exception(), Problem)]
        gate.set()
        await asyncio.gather(*tasks, return_exceptions=True)
    assert len(refused) == 5
    assert {(p.code, p.headers["Retry-After"]) for p in refused} == {("overloaded", "1")}
    assert not (await passwords.verify("x", None)).right, "there is room again"
    passwords.close()


async def test_a_hash_of_older_parameters_is_renewed(shop: Shop) -> None:
    await register(shop, "ann")  # with cheap parameters
    old = shop.sql("SELECT password_hash, password_changed_at FROM customer")[0]
    assert (await open_session(shop)).status_code == 201
    new = shop.sql("SELECT password_hash, password_changed_at FROM customer")[0]
    assert "m=8," in old[0]
    assert new[0].startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert new[1] == old[1]
    assert (await open_session(shop)).status_code == 201
    assert shop.sql("SELECT password_hash FROM customer") == [(new[0],)]


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
    async with make_pool(shop.database_url, 2, pgbouncer=False) as pool:
        logins = Logins(pool, 1, Passwords(), LoginLimits(3, 3, 900))
        proof = await logins.verify("ann", PASSWORD, "192.0.2.1", now)
        await register(shop, "ann", "another horse")
        with pytest.raises(Problem, match="unauthenticated"):
            await logins.keep(proof, shop.sessions.issue("ann", "MD5", None, now))
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
