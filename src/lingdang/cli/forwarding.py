"""Forwarding events to a server that is being written: as webhooks, but to whatever address its developer says."""

import time
from typing import Self

import httpx

from lingdang.cli.elsewhere import one_line, read_url
from lingdang.clock import Clock
from lingdang.events.event import Event
from lingdang.events.webhooks.held import NOBODY
from lingdang.events.webhooks.messages import Told, message
from lingdang.events.webhooks.signing import OCTETS, Secret, signed_headers
from lingdang.keys import Keyring

_SECONDS = 15.0
"""As long as the shop waits for an endpoint's answer."""


def local_secret(keyring: Keyring) -> Secret:
    """The secret that forwarded events are signed with: the same at each start, and no endpoint's."""
    _, octets = keyring.current("events-listen", OCTETS)
    return Secret(octets)


class Forwarder:
    """Sends to one address, which is used as a context. Raises CommandError for what is no address."""

    def __init__(self, url: str, secret: Secret, clock: Clock, *, thin: bool) -> None:
        self._url = read_url(url, "to forward to: http://localhost:3000/lingdang")
        self._secret = secret
        self._clock = clock
        self._thin = thin
        self._http = httpx.AsyncClient(timeout=_SECONDS)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._http.aclose()

    async def send(self, event: Event) -> str:
        """What became of it, in a few words."""
        sent = message([Told(NOBODY, 0, event)], batched=False, thin=self._thin)
        headers = {
            "content-type": "application/json",
            **signed_headers([self._secret], sent.id, self._clock(), sent.body),
        }
        began = time.monotonic()
        try:
            answer = await self._http.post(self._url, content=sent.body, headers=headers)
        except httpx.HTTPError as error:
            return f"no answer: {one_line(str(error) or type(error).__name__)}"
        told = f"{answer.status_code} in {round((time.monotonic() - began) * 1000)} ms"
        return told if answer.is_success else f"{told}: {one_line(answer.text)}"
