"""docs/runbooks/key-rotation.md, command for command, while a reader buys."""

import json
from pathlib import Path

from lingdang_client import verify_receipt
from support.reader import code_of_paying, headers, kids, signed_in, status, stock
from support.runbook import Runbook
from support.served import eventually, serving


def test_the_runbook_refuses_nobody_until_the_old_key_is_retired(tmp_path: Path) -> None:
    data_dir, jwks = tmp_path / "shop", tmp_path / "jwks.json"
    with serving(data_dir, "--http") as served:
        stock(served.database_url())
        runbook = Runbook("key-rotation", LINGDANG_DATA_DIR=str(data_dir), SHOP=served.url, JWKS=str(jwks))
        with signed_in(served) as before:
            old = before.checkout(["book-1"])
            waiting = before.checkout(["book-2"])
            runbook.play("1. Add a new secret")
            eventually(lambda: kids(served) == ["k1", "k2"])
            assert "transfers sealed" in runbook.play("2. Sign the journal with it")
            assert before.pay(old).status == "paid"
            with signed_in(served) as after:
                assert after.pay(after.checkout(["book-3"])).paid == 100
                runbook.play("3. Wait")
                assert [key["kid"] for key in json.loads(jwks.read_text())["keys"]] == ["k1", "k2"]
                assert status(served, headers(before)) == 200
                assert "no differences" in runbook.play("4. Retire the old secret")
                eventually(lambda: kids(served) == ["k2"])
                assert status(served, headers(before)) == 401
                assert {owned.product_id for owned in after.entitlements()} == {"book-1", "book-3"}
                receipt = after.entitlement("book-1").receipt
                assert verify_receipt(receipt, after.jwks(), issuer="lingdang", cust_id="ann").product_id == "book-1"
                assert code_of_paying(served, headers(after), waiting.order_token) == "token_invalid"
                assert [balance.balance for balance in after.wallet().balances] == [800]
