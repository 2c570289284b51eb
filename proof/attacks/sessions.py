"""Session tokens: whose session is it, and is it one."""

from collections.abc import Sequence
from random import Random
from typing import NamedTuple

from proof.attacks.dotted import DOTTED, other_claims
from proof.attacks.minting import NOW, session_jws
from proof.attacks.target import Alter, Target
from proof.attacks.texts import any_text, of_text
from proof.attacks.world import CUSTOMERS, World, claims, offer, order_token


class Presented(NamedTuple):
    """A session token and the X-Cust-Id that it comes with."""

    token: str
    cust_id: str | None


def session_target(world: World) -> Target[Presented]:
    """`Sessions.authenticate`, which every customer's route begins with."""

    def verify(it: Presented) -> None:
        world.sessions.authenticate(f"Bearer {it.token}", it.cust_id, NOW)

    good = [Presented(holder.token, holder.cust_id) for holder in world.holders]
    kinds = {name: _of_token(alter) for name, alter in (of_text() | DOTTED).items()}
    kinds |= {
        "other claims": _of_token(other_claims),
        "another X-Cust-Id": _other_customer,
        "another customer's token": _others_token,
        "made elsewhere": lambda rng, it, _: it._replace(token=_made(world, rng, it, "elsewhere")),
        "under a retired key": lambda rng, it, _: it._replace(token=_made(world, rng, it, "retired")),
        "lapsed": lambda rng, it, _: it._replace(token=_made(world, rng, it, "lapsed")),
        "a token for something else": lambda rng, it, _: it._replace(token=_order(world, rng)),
    }
    return Target("session token", good, kinds, verify, frozenset({"unauthenticated", "cust_mismatch"}))


def _of_token(alter: Alter[str]) -> Alter[Presented]:
    def altered(rng: Random, it: Presented, every: Sequence[Presented]) -> Presented:
        return it._replace(token=alter(rng, it.token, [other.token for other in every]))

    return altered


def _other_customer(rng: Random, it: Presented, _every: Sequence[Presented]) -> Presented:
    assert it.cust_id is not None, "a good one has it"
    return it._replace(cust_id=rng.choice((any_text(rng, it.cust_id), rng.choice(CUSTOMERS), "", "*", None)))


def _others_token(rng: Random, it: Presented, every: Sequence[Presented]) -> Presented:
    return it._replace(token=rng.choice(every).token)


def _made(world: World, rng: Random, it: Presented, how: str) -> str:
    """A token that is right in form."""
    keys = {"elsewhere": world.elsewhere, "retired": world.before, "lapsed": world.keys}[how]
    kid = "k1" if how == "retired" else rng.choice(("k2", "k3"))
    ends = -rng.choice((0, 1, 60, rng.randrange(10**6))) if how == "lapsed" else 3600
    return session_jws(keys, kid, claims(rng, str(it.cust_id), rng.choice(("MD5", "HMAC-SHA256")), None, ends))


def _order(world: World, rng: Random) -> str:
    """A good order token, in whole or without its empty part and its tag."""
    token = order_token(world.keys, rng, "k3", offer(rng, rng.choice(world.holders).session))
    parts = token.split(".")
    return rng.choice((token, ".".join((parts[0], *parts[2:4])), ".".join((parts[0], *parts[3:]))))
