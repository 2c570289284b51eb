"""Session, order and platform tokens: as they arrive, and what is in them under the right key."""

from random import Random

from lingdang.checkout.offer import encode_offer
from lingdang.checkout.order_token import OrderTokens
from lingdang.identity.jwks import JwksError, read_jwks
from proof.attacks.dotted import decoded, encoded
from proof.attacks.minting import NOW, jwe, jws_signature, session_jws, signing_input
from proof.attacks.orders import order_target
from proof.attacks.platforms import Platform, at_once, platform_target, verifying
from proof.attacks.sessions import Presented, session_target
from proof.attacks.world import World, offer
from proof.fuzz.parser import GOOD, Parser, Reader, WrongError, only_issued, refusing


def token_parsers(world: World) -> list[Parser]:
    """Those of whole tokens take what was issued and nothing else; those of their contents what makes sense."""
    platform = Platform(1)
    sessions, orders, platforms = session_target(world), order_target(world), platform_target(world, platform)
    return [
        Parser("session-token", [f"{t}\n{c}".encode() for t, c in sessions.good], only_issued(sessions, _presented)),
        Parser("session-claims", [decoded(t.split(".")[1]) for t, _ in sessions.good], _claims_reader(world)),
        Parser("order-token", [t.encode() for t in orders.good], only_issued(orders, _text)),
        Parser("offer", _offers(world), _offer_reader(world)),
        Parser("platform-token", [t.encode() for t in platforms.good], only_issued(platforms, _latin)),
        *_platform_parsers(platform),
    ]


def _presented(data: bytes) -> Presented:
    """A token, and after a line end the X-Cust-Id; headers arrive as Latin-1."""
    token, _, cust_id = data.decode("latin-1").partition("\n")
    return Presented(token, cust_id)


def _latin(data: bytes) -> str:
    return data.decode("latin-1")


def _text(data: bytes) -> str:
    return data.decode("utf-8", "replace")


def _claims_reader(world: World) -> Reader:
    """Claims that the shop itself signed, of any release of it."""

    def parse(claims: bytes) -> None:
        world.sessions.authenticate(f"Bearer {session_jws(world.keys, 'k3', claims)}", "ann", NOW)

    return refusing(frozenset({"unauthenticated", "cust_mismatch", "invalid_request"}), parse)


def _offers(world: World) -> list[bytes]:
    return [encode_offer(offer(world.rng, holder.session)) for holder in world.holders]


def _offer_reader(world: World) -> Reader:
    """Offers that the shop itself sealed, of any release of it."""
    tokens = OrderTokens(world.keys)

    def parse(plaintext: bytes) -> None:
        opened = tokens.open(jwe(world.keys, "k3", plaintext, bytes(16)))
        if tokens.open(jwe(world.keys, "k3", encode_offer(opened), bytes(16))) != opened:
            raise WrongError(f"written again it is another offer: {opened}")

    return refusing(frozenset({"token_invalid"}), parse)


def _platform_parsers(platform: Platform) -> list[Parser]:
    """What a platform signs, and the keys that it publishes: header and claims stand on a line each."""
    tokens = verifying(platform)
    made = [platform.token(Random(n), "ed", nbf=1, sub="ann", aud=["bookshop", "other"]) for n in range(3)]

    def parse(data: bytes) -> None:
        header, _, claims = data.partition(b"\n")
        message = signing_input(header, claims)
        at_once(tokens.verify(f"{message}.{encoded(jws_signature(platform.keys['ed'], message.encode()))}", NOW))

    signed = [b"\n".join(map(decoded, token.split(".")[:2])) for token in made]
    return [
        Parser("platform-claims", signed, refusing(frozenset({"unauthenticated"}), parse)),
        Parser("platform-keys", [platform.jwks()], _read_keys),
    ]


def _read_keys(document: bytes) -> str:
    try:
        return GOOD if read_jwks(document) else "no key of use"
    except JwksError:
        return "not a JWKS"
