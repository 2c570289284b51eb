"""How often a password may be guessed: by customer, by address, and never against whoever signed in there before."""

import asyncio
import threading
from collections import Counter
from datetime import timedelta
from typing import Any

import httpx
import pytest

from lingdang.clock import system_clock
from lingdang.db.pool import Pool
from lingdang.errors import Problem
from lingdang.identity.login_limits import CUSTOMER_WAITING, KNOWN_AT_MOST, SLOW_WAITING, LoginLimits, _network
from lingdang.identity.passwords import Passwords, Verdict
from lingdang.keys import Keyring
from support.people import open_session, register
from support.served import eventually
from support.shop import Shop, open_shop

PROXY: dict[str, Any] = {"trusted_proxies": "127.0.0.1"}


LIMITS = {"login_limit_customer": 3, "login_limit_address": 1000}


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
        assert failures(shop) == {"known ann 127.0.0.1": 0, "address 127.0.0.1": 2}


def failures(shop: Shop) -> dict[str, int]:
    """How many failures are kept of each subject."""
    return dict(shop.sql("SELECT subject, cardinality(attempts) FROM login_attempt"))  # type: ignore[arg-type]


async def test_right_passwords_under_way_are_no_failures(database_url: str, keyring: Keyring) -> None:
    async with open_shop(database_url, keyring, **LIMITS) as shop:
        await register(shop, "ann")
        answers = await asyncio.gather(*(open_session(shop) for _ in range(30)))
        assert Counter(answer.status_code for answer in answers) == {201: 30}
        assert failures(shop) == {"known ann 127.0.0.1": 0}
        assert (await open_session(shop)).status_code == 201


async def test_wrong_passwords_under_way_do_not_count_right_ones(database_url: str, keyring: Keyring) -> None:
    """Beside a right one at each place of the line: what was right is answered so, until failures fill the limit."""
    async with open_shop(database_url, keyring, **LIMITS) as shop:
        await register(shop, "ann")
        await register(shop, "bob")
        mixed = [open_session(shop, password="wrong horse") if n in (3, 9) else open_session(shop) for n in range(20)]
        beside = [open_session(shop, custId="bob") for _ in range(10)]
        answers = await asyncio.gather(*mixed, *beside)
        assert Counter(answer.status_code for answer in answers) == {201: 28, 401: 2}


async def test_attempts_under_way_have_a_limit_with_a_short_answer(
    database_url: str, keyring: Keyring, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One customer's and one address's, so that nobody takes all the room that there is for passwords."""
    gate = threading.Event()
    verify = Passwords._verify

    def held(passwords: Passwords, password: bytes, stored: str | None) -> Verdict:
        gate.wait(60)
        return verify(passwords, password, stored)

    async with open_shop(database_url, keyring, **LIMITS) as shop:
        await register(shop, "ann")
        with monkeypatch.context() as slow:
            slow.setattr(Passwords, "_verify", held)
            tasks = [asyncio.create_task(open_session(shop)) for _ in range(60)]
            full = CUSTOMER_WAITING + 1
            await asyncio.to_thread(eventually, lambda: sum(task.done() for task in tasks) == 60 - full)
            refused = [task.result() for task in tasks if task.done()]
            assert {(each.status_code, each.json()["code"]) for each in refused} == {(503, "overloaded")}
            assert {each.headers["Retry-After"] for each in refused} == {"1"}
            gate.set()
            answers = await asyncio.gather(*tasks)
        assert Counter(answer.status_code for answer in answers) == {201: full, 503: 60 - full}
        assert failures(shop) == {"known ann 127.0.0.1": 0}
        assert (await open_session(shop)).status_code == 201


async def test_a_customer_who_signed_in_there_is_shut_out_by_nobody_else(database_url: str, keyring: Keyring) -> None:
    async with open_shop(database_url, keyring, **PROXY, login_limit_customer=3, login_limit_address=4) as shop:
        await register(shop, "ann")

        async def at(address: str, **body: Any) -> httpx.Response:
            return await open_session(shop, address=address, **body)

        assert (await at("203.0.113.1")).status_code == 201
        for n in range(6):  # guesses at others, from the same address
            assert (await at("203.0.113.1", custId=f"c-{n}", password="wrong horse")).status_code == 401
        assert (await at("203.0.113.1")).status_code == 201
        for _ in range(3):  # guesses at her, from elsewhere
            assert (await at("198.51.100.7", password="wrong horse")).status_code == 401
        assert (await at("198.51.100.7")).status_code == 429
        assert (await at("203.0.113.1")).status_code == 201
        for _ in range(3):  # her own mistakes count by themselves
            assert (await at("203.0.113.1", password="wrong horse")).status_code == 401
        assert (await at("203.0.113.1")).status_code == 429
        assert failures(shop) == {
            "known ann 203.0.113.1": 3,
            "address 203.0.113.1": 4,
            "address 198.51.100.7": 3,
            "customer ann": 3,
            **{f"customer c-{n}": 1 for n in range(6)},
        }


async def test_the_newest_addresses_of_a_customer_are_known(database_url: str, keyring: Keyring) -> None:
    async with open_shop(database_url, keyring, **PROXY) as shop:
        for cust_id in ("ann", "ann-1", "ann!"[:3] + "~"):
            await register(shop, cust_id)
        await open_session(shop, address="203.0.113.1", custId="ann-1")
        await open_session(shop, address="203.0.113.1", custId="ann~")
        for n in range(KNOWN_AT_MOST + 2):
            shop.sql("UPDATE login_attempt SET expires_at = expires_at - interval '1 hour'")
            assert (await open_session(shop, address=f"203.0.113.{n}")).status_code == 201
        known = {f"known ann 203.0.113.{n}" for n in range(2, KNOWN_AT_MOST + 2)}
        assert set(failures(shop)) == known | {"known ann-1 203.0.113.1", "known ann~ 203.0.113.1"}


async def test_too_many_failures_from_an_address_slow_it_down(database_url: str) -> None:
    async with Pool(database_url, 4, pgbouncer=False) as pool:
        limits = LoginLimits(pool, system_clock, customer=3, address=4, window_seconds=900, slow_seconds=0)
        for n in range(4):
            with pytest.raises(Problem, match="unauthenticated"):
                async with limits.attempt(f"c-{n}", "192.0.2.1"):
                    raise Problem("unauthenticated")
        begun: list[str] = []
        gate = asyncio.Event()

        async def attempt(cust_id: str, address: str) -> None:
            async with limits.attempt(cust_id, address):
                begun.append(cust_id)
                await gate.wait()

        slow = [asyncio.create_task(attempt(f"d-{n}", "192.0.2.1")) for n in range(SLOW_WAITING + 3)]
        await asyncio.to_thread(eventually, lambda: sum(task.done() for task in slow) == 2)
        refused = [task.exception() for task in slow if task.done()]
        assert {problem.code for problem in refused if isinstance(problem, Problem)} == {"rate_limited"}
        assert len(begun) == 1, "one after the other"
        elsewhere = asyncio.create_task(attempt("e", "192.0.2.2"))
        await asyncio.to_thread(eventually, lambda: "e" in begun)
        gate.set()
        await asyncio.gather(*slow, elsewhere, return_exceptions=True)
        assert len(begun) == SLOW_WAITING + 2, "whoever was let in had a turn"


async def test_retry_after_is_true(database_url: str) -> None:
    now = system_clock()
    async with Pool(database_url, 2, pgbouncer=False) as pool:
        limits = LoginLimits(pool, lambda: now, customer=3, address=100, window_seconds=900)

        async def fail() -> None:
            async with limits.attempt("ann", "192.0.2.1"):
                raise Problem("unauthenticated")

        for seconds in (0, 100, 250):
            now += timedelta(seconds=seconds)
            with pytest.raises(Problem, match="unauthenticated"):
                await fail()
        with pytest.raises(Problem, match="rate_limited") as refused:
            await fail()
        assert refused.value.headers["Retry-After"] == "550"
        now += timedelta(seconds=549)
        with pytest.raises(Problem, match="rate_limited"):
            await fail()
        now += timedelta(seconds=1)
        with pytest.raises(Problem, match="unauthenticated"):
            await fail()
        with pytest.raises(Problem, match="rate_limited") as refused:
            await fail()
        assert refused.value.headers["Retry-After"] == "100", "the next of the three is the one to leave"


async def test_parallel_guesses_cannot_overrun_the_limit(database_url: str, keyring: Keyring) -> None:
    """By no more than what the other worker has under way: one of the same customer."""
    async with (
        open_shop(database_url, keyring, **LIMITS) as one,
        open_shop(database_url, keyring, **LIMITS) as two,
    ):
        await register(one, "ann")
        guesses = [open_session((one, two)[n % 2], password=f"guess {n:03}") for n in range(30)]
        answers = await asyncio.gather(*guesses)
        statuses = Counter(answer.status_code for answer in answers)
        assert set(statuses) == {401, 429}
        assert 3 <= statuses[401] <= 4
        assert failures(one)["customer ann"] == statuses[401]


async def test_what_was_not_looked_at_is_not_counted(database_url: str) -> None:
    async with Pool(database_url, 2, pgbouncer=False) as pool:
        limits = LoginLimits(pool, system_clock, 3, 3, 900)
        for _ in range(5):
            with pytest.raises(Problem, match="overloaded"):
                async with limits.attempt("ann", "192.0.2.1"):
                    raise Problem("overloaded")
        async with limits.attempt("ann", "192.0.2.1"):
            pass


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
        ("fe80::1%eth0", "fe80::"),
        ("unknown", "unknown"),
        ("a b", "a_b"),
    ],
)
def test_which_addresses_are_one_client(address: str, network: str) -> None:
    assert _network(address) == network
