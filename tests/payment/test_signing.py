"""The signed string and the signatures, against the shared vectors and against alterations."""

import base64
import hashlib
import hmac
import json
import random
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, utils
from cryptography.hazmat.primitives.hashes import SHA256

from lingdang.payment.signing import string_to_sign, verifies

VECTORS: list[dict[str, Any]] = json.loads(
    (Path(__file__).parent.parent / "vectors" / "sign.json").read_text(encoding="utf-8")
)["vectors"]


def public_key(jwk: dict[str, str] | None) -> ec.EllipticCurvePublicKey | None:
    if jwk is None:
        return None
    x, y = (int.from_bytes(base64.urlsafe_b64decode(jwk[name] + "=="), "big") for name in ("x", "y"))
    return ec.EllipticCurvePublicNumbers(x, y, ec.SECP256R1()).public_key()


def message(vector: dict[str, Any]) -> str:
    fields = vector["fields"]
    return string_to_sign(
        fields["custId"],
        fields["nonce"],
        fields["orderToken"],
        fields["productIds"],
        fields["signType"],
        fields["timestamp"],
    )


def accepted(vector: dict[str, Any], sign: str, text: str | None = None) -> bool:
    key = public_key(vector.get("publicKey"))
    return verifies(sign, text or message(vector), vector["signType"], vector.get("signKey"), key)


@pytest.mark.parametrize("vector", VECTORS, ids=lambda v: f"{v['signType']}-{v['fields']['custId']}")
class TestVectors:
    def test_string(self, vector: dict[str, Any]) -> None:
        assert message(vector) == vector["stringToSign"]

    def test_accepts(self, vector: dict[str, Any]) -> None:
        assert accepted(vector, vector["sign"])

    def test_makes(self, vector: dict[str, Any]) -> None:
        """The other direction: what we would sign is what the vectors hold."""
        keyed = f"{message(vector)}&key={vector.get('signKey')}".encode()
        if vector["signType"] == "MD5":
            assert hashlib.md5(keyed).hexdigest().upper() == vector["sign"]
        elif vector["signType"] == "HMAC-SHA256":
            assert hmac.digest(vector["signKey"].encode(), keyed, "sha256").hex().upper() == vector["sign"]
        else:
            private = ec.generate_private_key(ec.SECP256R1())
            r, s = utils.decode_dss_signature(private.sign(message(vector).encode(), ec.ECDSA(SHA256())))
            text = base64.urlsafe_b64encode(r.to_bytes(32, "big") + s.to_bytes(32, "big")).rstrip(b"=").decode()
            assert verifies(text, message(vector), "ES256", None, private.public_key())
            assert not accepted(vector, text)

    def test_either_case_of_hex(self, vector: dict[str, Any]) -> None:
        same = vector["sign"].lower()
        assert accepted(vector, same) == (vector["signType"] != "ES256" or same == vector["sign"])

    def test_refuses_empty_padded_and_unicode(self, vector: dict[str, Any]) -> None:
        sign = vector["sign"]
        for other in (
            "",
            " ",
            sign + " ",
            " " + sign,
            sign + "=",
            sign + "==",
            sign[:-1],
            sign + "0",
            sign * 2,
            "\0",
            "０" * 32,
        ):
            assert not accepted(vector, other), other
        assert not accepted(vector, sign.replace("F", "ﬀ", 1).replace("a", "а", 1) + "é")

    def test_refuses_another_type(self, vector: dict[str, Any]) -> None:
        for other in {"MD5", "HMAC-SHA256", "ES256"} - {vector["signType"]}:
            key = public_key(vector.get("publicKey"))
            assert not verifies(vector["sign"], message(vector), other, vector.get("signKey"), key)  # type: ignore[arg-type]

    def test_refuses_every_changed_character(self, vector: dict[str, Any]) -> None:
        hexadecimal = vector["signType"] != "ES256"
        for place, was in enumerate(vector["sign"]):
            for other in "0123456789ABCDEFGabcdefg-_z= ":
                same = other.lower() == was.lower() if hexadecimal else other == was
                if not same:
                    assert not accepted(vector, vector["sign"][:place] + other + vector["sign"][place + 1 :])


def test_fifty_thousand_random_signatures_and_strings_are_refused() -> None:
    chance = random.Random(20261124)
    cheap = [v for v in VECTORS if v["signType"] != "ES256"]
    for turn in range(50_000):
        # An ES256 check costs as much as forty others: it takes part in every fiftieth turn.
        vector = chance.choice(VECTORS if turn % 50 == 0 else cheap)
        text, sign = message(vector), vector["sign"]
        place = chance.randrange(len(text))
        other = chr(chance.choice((ord(text[place]) ^ 1, ord("&"), ord("="), 0, 0x4E00)))
        if chance.random() < 0.5 and other != text[place]:
            assert not accepted(vector, sign, text[:place] + other + text[place + 1 :])
        else:
            changed = bytearray(sign.encode())
            changed[chance.randrange(len(changed))] = chance.choice(b"0123456789ABCDEFghijk")
            altered = changed.decode()
            if altered.upper() != sign.upper():
                assert not accepted(vector, altered)
