"""Verify a statement of account offline, with nothing of Lingdang: python examples/verify_statement.py FILE JWKS

The file has a statement on each line; the JWKS is what the shop published at /.well-known/jwks.json.
"""

import json
import sys
from hashlib import sha256
from pathlib import Path

from joserfc import jws
from joserfc.jwk import KeySet

SEALED = ("kind", "cause", "reference", "amount", "balance", "at", "position", "accounts", "amounts", "record")


def verify(line: str, keys: KeySet) -> dict:
    signed = jws.deserialize_compact(line, keys, algorithms=["EdDSA"])  # raises when the signature is not good
    assert signed.headers()["typ"] == "statement+jwt", "not a statement of account"
    claims = json.loads(signed.payload)
    seq, balance, chain = (claims["opening"][name] for name in ("seq", "balance", "chain"))
    for t in sorted(claims["transfers"] + claims["others"], key=lambda row: row["seq"]):
        seq, digest = seq + 1, t.get("digest")
        if digest is None:  # not a row of another currency, of which there is no more
            balance += t["amount"]
            assert (t["balance"], sum(t["amounts"])) == (balance, 0), f"transfer {seq} is not sound"
            members = [claims["customer"], t["seq"], claims["currency"], *(t[name] for name in SEALED)]
            digest = sha256(json.dumps(["lingdang-journal-2", *members], ensure_ascii=False).encode()).hexdigest()
        assert t["seq"] == seq, f"transfer {seq} is missing"
        chain = sha256(bytes.fromhex(chain + digest)).hexdigest()
    assert claims["closing"] == {"seq": seq, "balance": balance, "chain": chain}, "the closing is not what follows"
    return claims


keys, before = KeySet.import_key_set(json.loads(Path(sys.argv[2]).read_text())), None
for line in Path(sys.argv[1]).read_text().split():
    claims = verify(line, keys)
    wallet = (claims["sub"], claims["customer"], claims["currency"])
    assert before in (None, (wallet, claims["opening"])), "a page is missing"
    before = (wallet, claims["closing"])
    print(f"{claims['sub']}: {len(claims['transfers'])} transfers, balance {claims['closing']['balance']}: sound")
