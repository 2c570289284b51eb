"""Order tokens: an offer that this shop made, or nothing."""

from random import Random

from lingdang.checkout.offer import encode_offer
from lingdang.checkout.order_token import OrderTokens
from proof.attacks.dotted import DOTTED, encoded
from proof.attacks.minting import jwe
from proof.attacks.target import Target
from proof.attacks.texts import of_text
from proof.attacks.world import KIDS, World, offer, order_token

_HEADER = {"alg": "dir", "enc": "A256CBC-HS512", "typ": "order+jwe"}
_OTHER_HEADERS = (
    {"zip": "DEF"},
    {"alg": "none"},
    {"alg": "A256KW"},
    {"enc": "A128CBC-HS256"},
    {"enc": "A256GCM"},
    {"typ": "session+jwt"},
    {"typ": "JWT"},
    {"crit": ["exp"]},
    {"jku": "http://127.0.0.1:1/"},
    {"kid": "k4"},
    {"kid": 3},
)


def order_target(world: World) -> Target[str]:
    """`OrderTokens.open`, where a payment gets its offer from."""
    tokens = OrderTokens(world.keys)

    def verify(token: str) -> None:
        tokens.open(token)

    good = [order_token(world.keys, world.rng, kid, offer(world.rng, h.session)) for h in world.holders for kid in KIDS]
    kinds = {
        **of_text(),
        **DOTTED,
        "made elsewhere": lambda rng, _it, _: _made(world, rng, "elsewhere"),
        "under a retired key": lambda rng, _it, _: _made(world, rng, "retired"),
        "right MAC, other header": lambda rng, _it, _: _headed(world, rng),
        "tag cut or filled": _other_tag,
        "a token for something else": lambda rng, _it, _: _session(world, rng),
    }
    return Target("order token", good, kinds, verify, frozenset({"token_invalid"}))


def _made(world: World, rng: Random, where: str) -> str:
    sold = offer(rng, rng.choice(world.holders).session)
    if where == "elsewhere":
        return order_token(world.elsewhere, rng, rng.choice(KIDS), sold)
    return order_token(world.before, rng, "k1", sold)


def _headed(world: World, rng: Random) -> str:
    """Under the shop's own key, but with a header that it never writes."""
    kid = rng.choice(KIDS)
    plaintext = encode_offer(offer(rng, rng.choice(world.holders).session))
    return jwe(world.keys, kid, plaintext, rng.randbytes(16), {**_HEADER, "kid": kid, **rng.choice(_OTHER_HEADERS)})


def _other_tag(rng: Random, token: str, _every: object) -> str:
    """A tag of another length, or one that is guessed."""
    return token.rpartition(".")[0] + "." + encoded(rng.choice((rng.randbytes(rng.randrange(65)), bytes(32))))


def _session(world: World, rng: Random) -> str:
    """A good session token, in whole or put into five parts."""
    token = rng.choice(world.holders).token
    parts = token.split(".")
    return rng.choice((token, ".".join((parts[0], "", encoded(rng.randbytes(16)), *parts[1:])), f"{token}.."))
