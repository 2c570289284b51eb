"""docs/runbooks/key-leak.md, command for command, while somebody with the stolen keyring goes on."""

import asyncio
import shutil
from pathlib import Path

import httpx

from lingdang.clock import system_clock
from lingdang.db.pool import Connection
from lingdang.deployment import Deployment, make_sessions
from lingdang.identity.api_keys import create_api_key
from lingdang.ids import Customer
from lingdang.keys import Keyring
from lingdang.settings import Settings
from support.customers import make_known
from support.reader import PASSWORD, code_of_paying, headers, kids, signed_in, status, stock
from support.runbook import Runbook
from support.served import Served, eventually, serving
from support.shop import PATIENCE


def _forged(ann: Customer, stolen: Path) -> dict[str, str]:
    """A session as Ann, made from a copy of the keyring and her key, which stands in all her rows and tokens."""
    sessions = make_sessions(Deployment(Settings(), "", Keyring(stolen), 1))
    issued = sessions.issue(ann, "HMAC-SHA256", None, system_clock())
    return {"Authorization": f"Bearer {issued.session_token}", "X-Cust-Id": "ann"}


def test_the_runbook_shuts_out_who_has_the_keyring(tmp_path: Path) -> None:
    data_dir, stolen = tmp_path / "shop", tmp_path / "stolen.json"
    with serving(data_dir, "--http") as served:
        stock(served.database_url())
        runbook = Runbook("key-leak", LINGDANG_DATA_DIR=str(data_dir), WITNESS=str(tmp_path / "witness.jws"))
        [ann] = make_known(served.database_url(), "ann")
        with signed_in(served) as honest:
            honest.pay(honest.checkout(["book-1"]))
            offered = honest.checkout(["book-2"]).order_token
            shutil.copy(data_dir / "keyring.json", stolen)
            forged = _forged(ann, stolen)
            assert status(served, forged) == 200, "with the keyring anybody is Ann"
            assert "no differences" in runbook.play("The keyring")
            eventually(lambda: kids(served) == ["k2"])
            for refused in (forged, _forged(ann, stolen), headers(honest)):
                assert status(served, refused) == 401
        with signed_in(served) as again:
            assert code_of_paying(served, headers(again), offered) == "token_invalid"
            assert [owned.product_id for owned in again.entitlements()] == ["book-1"]
            assert again.pay(again.checkout(["book-2"])).balance == 800
        _an_api_key(served, runbook)
        _a_password(served, runbook)


def _an_api_key(served: Served, runbook: Runbook) -> None:
    def asked(key: str) -> int:
        url = f"{served.url}/v1/admin/orders?custId=ann"
        return httpx.get(url, headers={"Authorization": f"Bearer {key}"}, timeout=PATIENCE).status_code

    leaked = asyncio.run(_make_key(served.database_url()))
    assert asked(leaked) == 200
    successor = runbook.play("An API key", APIKEY="office", SCOPE="orders:read").splitlines()[-1]
    assert (asked(leaked), asked(successor)) == (401, 200)


async def _make_key(database_url: str) -> str:
    async with await Connection.connect(database_url, autocommit=True) as connection:
        return str(await create_api_key(connection, "office", ["orders:read"], system_clock()))


def _a_password(served: Served, runbook: Runbook) -> None:
    with signed_in(served, PASSWORD) as guessed:
        runbook.play("A customer's secret", CUSTID="ann", PASSWORD="another battery")
        assert status(served, headers(guessed)) == 401
    with signed_in(served, "another battery") as ann:
        assert status(served, headers(ann)) == 200
