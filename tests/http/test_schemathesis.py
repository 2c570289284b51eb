"""schemathesis against the served document: no server error, and every answer conforms to it."""

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest

from lingdang.clock import system_clock
from lingdang.db.pool import Connection
from lingdang.identity.api_keys import SCOPES, create_api_key
from support.buyer import buyer, give, stock
from support.shop import Shop

pytestmark = pytest.mark.slow

CHECKS = (
    "not_a_server_error,status_code_conformance,content_type_conformance,"
    "response_headers_conformance,response_schema_conformance"
)
EXAMPLES = "3"


def run(shop: Shop, *options: str) -> subprocess.CompletedProcess[str]:
    """A short run, of which `make schemathesis` is the long one; a failing request is printed with its answer."""
    command = [
        *(Path(sys.executable).with_name("st"), "run", f"{shop.url}/openapi.json"),
        *("--checks", CHECKS, "--max-examples", EXAMPLES, "--phases", "examples,coverage,fuzzing"),
        *("--generation-deterministic", "--continue-on-failure", "--no-color"),
        *options,
    ]
    return subprocess.run(command, capture_output=True, text=True, timeout=1200, check=False)


@pytest.mark.slow
async def test_customers_routes(shop: Shop) -> None:
    stock(shop, "book-1", "book-2")
    await give(shop, "ann", 1000)
    ann = buyer(shop)
    assert (await ann.buy("book-1")).status_code == 200
    headers = [option for name, value in ann.headers.items() for option in ("--header", f"{name}: {value}")]
    # Ending the session would make everything after it a 401.
    result = await _in_thread(shop, *headers, "--exclude-path-regex", "/v1/admin", "--exclude-method", "DELETE")
    assert result.returncode == 0, result.stdout[-6000:]


@pytest.mark.slow
async def test_operators_routes(shop: Shop) -> None:
    async with await Connection.connect(shop.database_url) as connection:
        key = await create_api_key(connection, "test", SCOPES, system_clock())
    result = await _in_thread(shop, "--header", f"Authorization: Bearer {key}", "--include-path-regex", "/v1/admin")
    assert result.returncode == 0, result.stdout[-6000:]


async def _in_thread(shop: Shop, *options: str) -> subprocess.CompletedProcess[str]:
    return await asyncio.to_thread(run, shop, *options)
