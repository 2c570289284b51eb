"""The two ways to prove who asks: what is refused is held back, and what is right is not."""

from collections.abc import AsyncIterator

import pytest

from lingdang.clock import system_clock
from lingdang.db.pool import Pool
from lingdang.errors import Problem
from lingdang.identity.customers import add_customer
from lingdang.identity.login_limits import LoginLimits
from lingdang.identity.logins import Logins
from lingdang.identity.passwords import Passwords
from lingdang.identity.proofs import Proofs
from lingdang.pacing import Pacing

NOW = system_clock()


class Paced(Pacing):
    """Counts what it was to hold back."""

    held = 0

    async def hold(self) -> None:
        self.held += 1


@pytest.fixture
def paced() -> Paced:
    return Paced()


@pytest.fixture
async def proofs(database_url: str, paced: Paced) -> AsyncIterator[Proofs]:
    """Of a shop without a platform, in which Ann has a password."""
    passwords = Passwords(memory_kib=8, passes=1)
    async with Pool(database_url, 2, pgbouncer=False) as pool:
        await add_customer(pool, passwords, 1, "ann", "correct horse", NOW)
        limits = LoginLimits(pool, system_clock, 3, 3, 900)
        yield Proofs(Logins(pool, 1, passwords, limits), None, pool, paced)
    passwords.close()


async def test_a_right_password_is_not_held_back(proofs: Proofs, paced: Paced) -> None:
    proved = await proofs.by_password("ann", "correct horse", "192.0.2.1")
    assert (proved.customer.cust_id, paced.held) == ("ann", 0)


@pytest.mark.parametrize(("cust_id", "password"), [("ann", "wrong horse"), ("bob", "correct horse")])
async def test_a_wrong_one_is(proofs: Proofs, paced: Paced, cust_id: str, password: str) -> None:
    with pytest.raises(Problem, match="unauthenticated"):
        await proofs.by_password(cust_id, password, "192.0.2.1")
    assert paced.held == 1


@pytest.mark.parametrize(("token", "why"), [(None, "neither a password nor"), ("x.y.z", "LINGDANG_OIDC_ISSUER")])
async def test_without_a_platform_a_token_proves_nothing(
    proofs: Proofs, paced: Paced, token: str | None, why: str
) -> None:
    with pytest.raises(Problem, match="unauthenticated") as refused:
        await proofs.by_token(token, NOW)
    assert why in str(refused.value.why)
    assert paced.held == 1
