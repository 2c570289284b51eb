"""A statement is verified without the database: wrong in any character, or signed and yet not sound, it is refused."""

import json
from base64 import urlsafe_b64decode

import pytest

from lingdang.jose import to_base64url
from lingdang.journal.statement import verify_statement
from lingdang.signer import SignatureError, Signer, read_jwks
from support.customers import key_of
from support.shop import Shop
from support.statements import spend, state


async def test_wrong_in_any_character(shop: Shop) -> None:
    ann = await spend(shop)
    text, _, _ = await state(ann)
    keys = Signer(shop.keyring).public_keys()
    for place, character in enumerate(text):
        for other in "A" if character != "A" else "B", ".", "":
            if other != character:
                with pytest.raises(SignatureError):
                    verify_statement(text[:place] + other + text[place + 1 :], keys)


async def test_signed_and_yet_not_sound(shop: Shop) -> None:
    """Whoever holds the signing key cannot state a wrong sum by mistake: the verifier reckons everything again."""
    ann = await spend(shop)
    text, _, _ = await state(ann)
    claims = json.loads(urlsafe_b64decode(text.split(".")[1] + "=="))
    signer = Signer(shop.keyring)
    second = claims["transfers"][1]
    for change, reason in (
        ({"transfers": [claims["transfers"][0], claims["transfers"][2]]}, "transfer 2 is missing"),
        ({"transfers": claims["transfers"][:2]}, "do not lead to the closing"),
        ({"customer": str(key_of("bob"))}, "do not lead to the closing"),
        ({"currency": "GEM"}, "do not lead to the closing"),
        ({"opening": claims["opening"] | {"balance": 5}}, "is not the one before plus its amount"),
        ({"opening": claims["opening"] | {"chain": "1" * 64}}, "do not lead to the closing"),
        ({"transfers": [claims["transfers"][0], second | {"amounts": [1] * len(second["amounts"])}]}, "sum to zero"),
        ({"closing": claims["closing"] | {"chain": "x"}}, "it is not a statement"),
        ({"others": [{"seq": 2, "digest": "1" * 64}]}, "transfer 3 is missing"),
        ({"others": [{"seq": 4, "digest": "1" * 64}]}, "do not lead to the closing"),
        ({"others": [{"seq": 5, "digest": "1" * 64}]}, "transfer 4 is missing"),
        ({"others": [{"seq": 4, "digest": "1" * 64, "amount": 5}]}, "it is not a statement"),
        ({"more": 1}, "it is not a statement"),
    ):
        with pytest.raises(SignatureError, match=reason):
            verify_statement(signer.sign("statement+jwt", claims | change), signer.public_keys())
    with pytest.raises(SignatureError, match=r"it is a entitlement\+jwt signed with EdDSA"):
        verify_statement(signer.sign("entitlement+jwt", claims), signer.public_keys())
    with pytest.raises(SignatureError, match="there is no public key k1"):
        verify_statement(text, {})
    header = to_base64url(b'{"alg":"none","typ":"statement+jwt","kid":"k1"}').decode()
    with pytest.raises(SignatureError, match="signed with none"):
        verify_statement(".".join([header, *text.split(".")[1:]]), signer.public_keys())


def test_a_jwk_set_that_is_none() -> None:
    for document in (b"", b"[]", b'{"keys":[{"kty":"OKP","crv":"Ed25519","kid":"k1","x":"AA"}]}'):
        with pytest.raises(SignatureError, match="the JWK set cannot be read"):
            read_jwks(document)
