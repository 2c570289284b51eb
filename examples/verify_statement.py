"""Verify a statement of account offline, with nothing of Lingdang: python examples/verify_statement.py FILE JWKS

The file has a statement on each line; the JWKS is what the shop published at /.well-known/jwks.json.
"""

import json
import sys
from hashlib import sha256
from pathlib import Path

from joserfc import jws
from joserfc.jwk import KeySet

SEALED = ("seq", "kind", "reference", "amount", "balance", "at", "accounts", "amounts", "record")


def verify(line: str, keys: KeySet) -> dict:
    signed = jws.deserialize_compact(line, keys, algorithms=["EdDSA"])  # raises when the signature is not good
    assert signed.headers()["typ"] == "statement+jwt", "not a statement of account"
    claims = json.loads(signed.payload)
    seq, balance, chain = (claims["opening"][name] for name in ("seq", "balance", "chain"))
    for t in claims["transfers"]:
        members = [t[name] for name in SEALED]
        text = json.dumps(["lingdang-journal-1", claims["sub"], claims["currency"], *members], ensure_ascii=False)
        chain = sha256(bytes.fromhex(chain) + sha256(text.encode()).digest()).hexdigest()
        seq, balance = seq + 1, balance + t["amount"]
        assert (t["seq"], t["balance"], sum(t["amounts"])) == (seq, balance, 0), f"transfer {seq} is not sound"
    assert claims["closing"] == {"seq": seq, "balance": balance, "chain": chain}, "the closing is not what follows"
    return claims


keys, before = KeySet.import_key_set(json.loads(Path(sys.argv[2]).read_text())), None
for line in Path(sys.argv[1]).read_text().split():
    claims = verify(line, keys)
    assert before in (None, (claims["sub"], claims["currency"], claims["opening"])), "a page is missing"
    before = (claims["sub"], claims["currency"], claims["closing"])
    print(f"{claims['sub']}: {len(claims['transfers'])} transfers, balance {claims['closing']['balance']}: sound")
