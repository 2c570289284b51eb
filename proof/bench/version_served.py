"""A version of the shop, served by its own files and filled through its API, which all versions share."""

import json
import os
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import httpx

from lingdang.ids import Customer, uuid7
from lingdang.ledger.lines import Line
from lingdang_client import Client
from proof.bench.buying import PAID, Buyer
from proof.server import Server, clean_environ, lingdang, serving

_AS_IT_COMES: Mapping[str, str] = {}
PASSWORD = "bench-bench"
SCOPES = ("coupons:write", "customers:write", "wallets:credit")
"""Which every version knows."""


class Version(NamedTuple):
    """A version that is served: its server, its customers, who are signed in, and its books."""

    server: Server
    operator: httpx.Client
    buyers: list[Buyer]
    books: list[Line]

    def vouchers(self) -> dict[str, str]:
        """A new voucher of one bell for each customer, by custId."""
        coupon_id = f"off-{uuid7().hex}"
        coupon = {"definition": {"name": "One bell off", "effect": {"kind": "fixed", "amount": 1}}}
        self.operator.put(f"/v1/admin/coupons/{coupon_id}", json=coupon).raise_for_status()
        names = [buyer.customer.cust_id for buyer in self.buyers]
        given = self.operator.post(f"/v1/admin/coupons/{coupon_id}/grants", json={"custIds": names})
        return {item["custId"]: item["voucherId"] for item in given.raise_for_status().json()["items"]}


@contextmanager
def version_served(
    tree: Path, data_dir: Path, customers: int, settings: Mapping[str, str] = _AS_IT_COMES
) -> Iterator[Version]:
    """The version in this tree with the demo's books and so many customers, until the block ends.

    One worker and plain HTTP: what is compared is the shop. Raises ServerError.
    """
    environ = {"PYTHONPATH": os.pathsep.join(str(tree / part) for part in ("src", "sdk/python/src")), **settings}
    with serving(data_dir, environ, workers=1, tls=False, demo=True) as server:
        headers = {"Authorization": f"Bearer {api_key(data_dir, 'bench', SCOPES, environ)}"}
        with httpx.Client(base_url=server.url, headers=headers, timeout=60) as operator:
            buyers = [_signed_in(operator, server.url, f"cust-{number}") for number in range(1, customers + 1)]
            yield Version(server, operator, buyers, _books(server.url, buyers[0].customer.cust_id))


def api_key(data_dir: Path, name: str, scopes: Sequence[str], environ: Mapping[str, str] = _AS_IT_COMES) -> str:
    """A new key of the shop there."""
    wanted = [f"--scope={scope}" for scope in scopes]
    command = lingdang("apikey", "create", name, "--json", *wanted, data_dir=data_dir)
    ran = subprocess.run(command, env={**clean_environ(), **environ}, capture_output=True, text=True, check=True)
    return str(json.loads(ran.stdout)["key"])


def _signed_in(operator: httpx.Client, url: str, name: str) -> Buyer:
    """A new customer with bells and a session."""
    credit = {"creditId": "first", "amount": PAID, "kind": "paid", "reason": "bench"}
    operator.post("/v1/admin/customers", json={"custId": name, "password": PASSWORD}).raise_for_status()
    operator.post(f"/v1/admin/wallets/{name}/credits", json=credit).raise_for_status()
    asked = {"custId": name, "password": PASSWORD, "signType": "HMAC-SHA256"}
    session = httpx.post(f"{url}/v1/sessions", json=asked, timeout=60).raise_for_status().json()
    headers = f"Host: 127.0.0.1\r\nAuthorization: Bearer {session['sessionToken']}\r\nX-Cust-Id: {name}\r\n"
    return Buyer(Customer(0, name), uuid7(), headers.encode(), "HMAC-SHA256", session["signKey"], None)


def _books(url: str, name: str) -> list[Line]:
    """All that cost something, so that a voucher takes a bell off."""
    with Client(url) as client:
        client.open_session(name, PASSWORD)
        return [Line(p.product_id, "", "", 0, p.price, 0) for p in client.products(page_size=100) if p.price]
