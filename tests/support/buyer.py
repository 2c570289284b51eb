"""A buyer who speaks HTTP by hand: every field of a payment can be made wrong on purpose."""

import hashlib
import hmac
import time
from base64 import urlsafe_b64encode
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import httpx
import psycopg
from cryptography.hazmat.primitives.asymmetric import ec, utils
from cryptography.hazmat.primitives.hashes import SHA256

from lingdang.clock import system_clock
from lingdang.identity.sessions import Sessions
from lingdang.ids import Customer
from lingdang.settings import SignType
from support.customers import make_known
from support.money import credit, open_settlement
from support.shop import Shop


def jwk_of(key: ec.EllipticCurvePrivateKey) -> dict[str, str]:
    """The public half as a JWK."""
    numbers = key.public_key().public_numbers()
    return {
        "kty": "EC",
        "crv": "P-256",
        "x": _text(numbers.x.to_bytes(32, "big")),
        "y": _text(numbers.y.to_bytes(32, "big")),
    }


def _text(raw: bytes) -> str:
    return urlsafe_b64encode(raw).rstrip(b"=").decode()


@dataclass
class Buyer:
    """A customer with a session."""

    shop: Shop
    cust_id: str
    token: str
    sign_type: SignType
    sign_key: str | None
    private_key: ec.EllipticCurvePrivateKey | None = None
    extra: dict[str, str] = field(default_factory=dict)

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}", "X-Cust-Id": self.cust_id, **self.extra}

    async def get(self, path: str, **params: Any) -> httpx.Response:
        return await self.shop.http.get(path, params=params, headers=self.headers)

    async def checkout(self, *product_ids: str, **body: Any) -> dict[str, Any]:
        answer = await self.shop.http.post(
            "/v1/checkout", json={"productIds": list(product_ids), **body}, headers=self.headers
        )
        assert answer.status_code == 200, answer.text
        result: dict[str, Any] = answer.json()
        return result

    def sign(self, text: str) -> str:
        if self.private_key is not None:
            der = self.private_key.sign(text.encode(), ec.ECDSA(SHA256()))
            r, s = utils.decode_dss_signature(der)
            return _text(r.to_bytes(32, "big") + s.to_bytes(32, "big"))
        assert self.sign_key is not None
        keyed = f"{text}&key={self.sign_key}".encode()
        if self.sign_type == "MD5":
            return hashlib.md5(keyed).hexdigest().upper()
        return hmac.new(self.sign_key.encode(), keyed, "sha256").hexdigest().upper()

    def payment(self, order_token: str, product_ids: Sequence[str], **changed: Any) -> dict[str, Any]:
        """A signed payment; `changed` fields are changed before signing, `sign` after it."""
        body: dict[str, Any] = {
            "productIds": list(product_ids),
            "timestamp": int(time.time()),
            "nonce": uuid4().hex,
            "orderToken": order_token,
            "signType": self.sign_type,
        } | {name: value for name, value in changed.items() if name != "sign"}
        fields = {**body, "custId": self.cust_id, "productIds": ",".join(map(str, body["productIds"]))}
        body["sign"] = changed.get("sign", self.sign("&".join(f"{name}={fields[name]}" for name in sorted(fields))))
        return body

    async def send(self, body: dict[str, Any]) -> httpx.Response:
        return await self.shop.http.post("/v1/payments", json=body, headers=self.headers)

    async def buy(self, *product_ids: str) -> httpx.Response:
        """Check out and pay."""
        order = await self.checkout(*product_ids)
        return await self.send(self.payment(order["orderToken"], product_ids))


def sessions_of(shop: Shop) -> Sessions:
    """The server's own way to make and check sessions, with its keys."""
    return shop.sessions


def buyer(shop: Shop, cust_id: str = "ann", sign_type: SignType = "HMAC-SHA256") -> Buyer:
    """A customer with a fresh session, made without a password."""
    [only] = buyers(shop, cust_id, sign_type=sign_type)
    return only


def buyers(shop: Shop, *cust_ids: str, sign_type: SignType = "HMAC-SHA256") -> list[Buyer]:
    """The customers, each as `buyer` makes one."""
    return [_buyer(shop, customer, sign_type) for customer in make_known(shop.database_url, *cust_ids)]


def _buyer(shop: Shop, customer: Customer, sign_type: SignType) -> Buyer:
    key = ec.generate_private_key(ec.SECP256R1()) if sign_type == "ES256" else None
    issued = sessions_of(shop).issue(customer, sign_type, jwk_of(key) if key else None, system_clock())
    return Buyer(shop, customer.cust_id, issued.session_token, sign_type, issued.sign_key, key)


async def give(shop: Shop, cust_id: str, amount: int) -> None:
    """Credit paid bells."""
    [customer] = make_known(shop.database_url, cust_id)
    async with open_settlement(shop.database_url) as settlement:
        await settlement.submit(credit(customer.key, amount))


def stock(shop: Shop, *product_ids: str, price: int = 100, publisher: str = "Penguin") -> None:
    """Put products on sale."""
    with psycopg.connect(shop.database_url, autocommit=True) as connection:
        connection.cursor().executemany(
            "INSERT INTO product"
            " (product_id, title, intro, currency, price, list_price, publisher, created_at, updated_at)"
            " VALUES (%s, %s, 'An intro', 'BELL', %s, %s, %s, now(), now())",
            [(i, f"Title of {i}", price, price + 20, publisher) for i in product_ids],
        )


LEDGER_TABLES = ("wallet", "transfer", "entitlement")


def books(shop: Shop) -> dict[str, str]:
    """A fingerprint of every table that money or rights are in: equal before and after means nothing changed."""
    return {
        table: str(shop.sql(f"SELECT count(*), md5(string_agg(t::text, '|' ORDER BY t::text)) FROM {table} t")[0])
        for table in LEDGER_TABLES
    }
