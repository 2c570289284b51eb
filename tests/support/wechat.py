"""A merchant at the stand-in's WeChat Pay."""

from datetime import timedelta

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import CertificateBuilder, Name, NameAttribute
from cryptography.x509.oid import NameOID

from lingdang.topup.providers.wechat import Account
from proof.standin.keys import rsa_key
from proof.standin.wechat import (
    APIV3_KEY,
    APPID,
    CERTIFICATE_SERIAL,
    MCHID,
    PLATFORM_KEY_ID,
    merchant_pem,
    platform_pem,
)
from support.providers import NOW


def account(address: str, **more: object) -> Account:
    """The merchant's settings, and others in their place."""
    settings = {
        "mchid": MCHID,
        "appid": APPID,
        "private_key": merchant_pem(),
        "certificate_serial": CERTIFICATE_SERIAL,
        "apiv3_key": APIV3_KEY,
        "public_key": platform_pem(),
        "public_key_id": PLATFORM_KEY_ID,
        "api": address,
    }
    return Account(**settings | more)  # type: ignore[arg-type]


def platform_certificate() -> str:
    """A certificate of WeChat's key, as merchants of before have it."""
    name = Name([NameAttribute(NameOID.COMMON_NAME, "Tenpay.com sign")])
    builder = CertificateBuilder(name, name, rsa_key("wechat").public_key(), int("5F" * 20, 16))
    builder = builder.not_valid_before(NOW - timedelta(days=1)).not_valid_after(NOW + timedelta(days=1))
    return builder.sign(rsa_key("wechat"), SHA256()).public_bytes(Encoding.PEM).decode()
