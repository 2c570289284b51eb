"""The examples do what they say, more than once."""

import asyncio
import os
import sys
from pathlib import Path

import pytest
from customers import debits, new_books, new_customer

from support.people import PASSWORD
from support.shop import Shop

EXAMPLES = Path(__file__).parents[3] / "examples"


async def run(*command: str, **environ: str) -> tuple[int, str]:
    process = await asyncio.create_subprocess_exec(
        *command,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env=os.environ | environ,
    )
    printed, _ = await process.communicate()
    return process.returncode or 0, printed.decode()


@pytest.mark.parametrize("sign_type", ["ES256", "HMAC-SHA256", "MD5"])
async def test_first_purchase_in_python(shop: Shop, tmp_path: Path, sign_type: str) -> None:
    cust_id, _ = await new_customer(shop), new_books(shop, 6)
    payments = tmp_path / "payments"
    command = [sys.executable, str(EXAMPLES / "first_purchase.py"), "--url", shop.url, "--payments", str(payments)]
    for turn in (1, 2):
        status, printed = await run(
            *command, "--cust-id", cust_id, "--password", PASSWORD, "--sign-type", sign_type, "--query", "Title"
        )
        assert status == 0, printed
        assert len(debits(shop, cust_id)) == turn
        for shown in (
            "① ",
            "② ",
            "③ ",
            "④ ",
            "⑤ ",
            "⑥ ",
            "string signed",
            "signature",
            "POST /v1/payments",
            "valid until",
        ):
            assert shown in printed
        assert f"Entitlements: {3 * turn} books owned." in printed
        assert PASSWORD not in printed
        assert max(map(len, printed.split())) < 300, "tokens are shortened"
    assert list(payments.iterdir()) == []
    status, printed = await run(*command, "--cust-id", cust_id, "--password", "wrong")
    assert (status, "Unauthenticated" in printed) == (1, True)


@pytest.mark.parametrize("sign_type", ["HMAC-SHA256", "MD5"])
async def test_first_purchase_in_bash(shop: Shop, sign_type: str) -> None:
    cust_id, _ = await new_customer(shop), new_books(shop, 6)
    known = {"URL": shop.url, "CUST_ID": cust_id, "PASSWORD": PASSWORD, "SIGN_TYPE": sign_type}
    for turn in (1, 2):
        status, printed = await run("bash", str(EXAMPLES / "first_purchase.sh"), **known)
        assert status == 0, printed
        assert len(debits(shop, cust_id)) == turn
        assert '"status":"paid"' in printed
    status, printed = await run("bash", str(EXAMPLES / "first_purchase.sh"), **known | {"PASSWORD": "wrong"})
    assert status != 0
    assert "unauthenticated" in printed
    assert len(debits(shop, cust_id)) == 2
