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
from lingdang.identity.sessions import Sessions
from lingdang.ids import Customer
from lingdang.keys import Keyring
from lingdang.settings import SIGN_TYPES
from proof.bench.server import ServerError, clean_environ, lingdang

_SECONDS = 60
_COUNTED = re.compile(r'^lingdang_requests_total\{.*status="(\d+)".*\} ([\d.e+]+)$', re.MULTILINE)


class Demo:
    """A running demo shop."""

    def __init__(self, url: str, data_dir: Path) -> None:
        self.url = url
        self._data_dir = data_dir
        self._sessions = Sessions(Keyring(data_dir / "keyring.json"), 1, SIGN_TYPES, 12 * 3600)
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
        log = (self._data_dir / "stderr.txt").read_text(encoding="utf-8", errors="replace")
        return "\n".join(line for line in log.splitlines() if '"level": "error"' in line)


@contextmanager
def serving(folder: Path) -> Iterator[Demo]:
    """The shop on a free port until the block ends. Raises ServerError."""
    with (folder / "stderr.txt").open("w") as stderr:
        process = subprocess.Popen(
            lingdang("serve", "--demo", "--http", "--port=0", data_dir=folder),
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
            env=clean_environ(),
        )
    try:
        yield Demo(_url(process, folder), folder)
    finally:
        process.terminate()
        process.wait(_SECONDS)


def _url(process: "subprocess.Popen[str]", folder: Path) -> str:
    """Where it says it is."""
    assert process.stdout is not None, "it was asked for"
    for line in process.stdout:
        if found := re.search(r"http://\S+", line):
            return found[0]
    raise ServerError(f"the server did not start: {(folder / 'stderr.txt').read_text()}")
