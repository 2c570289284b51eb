"""The demo shop, served by `lingdang serve` as a process of its own."""

import re
import subprocess
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from lingdang.clock import system_clock
from lingdang.demo import CUSTOMER, PASSWORD
from lingdang.identity.api_keys import SCOPES
from lingdang.ids import Customer
from proof import server
from proof.server import clean_environ, lingdang
from proof.shop import keyring_in, sessions_by

_SECONDS = 60
_COUNTED = re.compile(r'^lingdang_http_requests_total\{.*status="(\d+)".*\} ([\d.e+]+)$', re.MULTILINE)


class Demo:
    """A running demo shop."""

    def __init__(self, url: str, data_dir: Path) -> None:
        self.url = url
        self._data_dir = data_dir
        self._sessions = sessions_by(keyring_in(data_dir))
        command = lingdang("apikey", "create", "fuzz", *(f"--scope={scope}" for scope in SCOPES), data_dir=data_dir)
        made = subprocess.run(
            command, capture_output=True, text=True, env=clean_environ(), timeout=_SECONDS, check=True
        )
        self._api_key = made.stdout.split()[-1]
        self._customer = self._signed_in()

    def customers_headers(self) -> dict[str, str]:
        """Of a new session."""
        issued = self._sessions.issue(self._customer, "HMAC-SHA256", None, system_clock())
        return {"Authorization": f"Bearer {issued.session_token}", "X-Cust-Id": CUSTOMER}

    def _signed_in(self) -> Customer:
        """The demo's customer, whose key is read from a session that they open themselves."""
        body = {"custId": CUSTOMER, "password": PASSWORD, "signType": "HMAC-SHA256"}
        token = httpx.post(f"{self.url}/v1/sessions", json=body, timeout=_SECONDS).json()["sessionToken"]
        session = self._sessions.authenticate(f"Bearer {token}", CUSTOMER, system_clock())
        return Customer(session.owner.customer, CUSTOMER)

    def operators_headers(self) -> dict[str, str]:
        """Of a key with every scope."""
        return {"Authorization": f"Bearer {self._api_key}"}

    def answers(self) -> Counter[str]:
        """How many requests were answered so far, by status, as the server counts them."""
        counted: Counter[str] = Counter()
        for status, number in _COUNTED.findall(httpx.get(f"{self.url}/metrics", timeout=_SECONDS).text):
            counted[status] += int(float(number))
        return counted

    def errors(self) -> str:
        """What the server wrote to standard error at level error."""
        log = server.errors_of(self._data_dir).read_text(encoding="utf-8", errors="replace")
        return "\n".join(line for line in log.splitlines() if '"level": "error"' in line)


@contextmanager
def serving(folder: Path) -> Iterator[Demo]:
    """The shop on a free port until the block ends. Raises ServerError."""
    with server.serving(folder, {}, workers=2, tls=False, demo=True) as running:
        yield Demo(running.url, folder)
