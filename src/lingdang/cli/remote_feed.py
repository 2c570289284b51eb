"""The feed of a shop elsewhere, read over its API with a key of the scope `events:read`."""

import asyncio
from collections.abc import Collection
from typing import Self

import click
import httpx
import msgspec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from lingdang.cli.elsewhere import is_this_machine, one_line, read_url
from lingdang.errors import CommandError
from lingdang.events.feed import EventPage
from lingdang.events.webhooks.signing import OCTETS, Secret

PAUSE_SECONDS = 5.0
"""From a request that the shop did not answer to the next one."""
_ANSWER_SECONDS = 30.0
"""How long the shop may take beyond what it was asked to wait."""
_TOO_MANY = 429
_SHOWN = 2000
"""Positions are long, and whoever goes on from one needs it whole."""

_decode = msgspec.json.Decoder(EventPage).decode


def secret_of(key: str) -> Secret:
    """The secret that events are signed with which were read by this key: the same at each start."""
    return Secret(HKDF(SHA256(), OCTETS, None, b"lingdang/events-listen").derive(key.encode()))


class RemoteFeed:
    """Reads as lingdang.events.feed.Feed does. It is used as a context. Raises CommandError for what is no address."""

    def __init__(self, url: str, key: str, pause: float = PAUSE_SECONDS) -> None:
        address = read_url(url, "of a shop: https://shop.example")
        if address.scheme == "http" and not is_this_machine(address):
            raise CommandError(f"{url} would send the API key for all to read: use https")
        self._url = url
        self._pause = pause
        self._http = httpx.AsyncClient(base_url=url, headers={"Authorization": f"Bearer {key}"})

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._http.aclose()

    async def read(self, after: str | None, types: Collection[str] | None, limit: int, wait: float) -> EventPage:
        """The same page as there; a shop that does not answer, or not yet, is asked again and again.

        Raises CommandError with the shop's reason for what it refuses.
        """
        asked = {"after": after, "types": None if types is None else ",".join(sorted(types))}
        query = {"limit": str(limit), "wait": str(int(wait)), **{name: it for name, it in asked.items() if it}}
        while True:
            try:
                answer = await self._http.get("/v1/admin/events", params=query, timeout=wait + _ANSWER_SECONDS)
            except httpx.TransportError as error:
                reason = one_line(str(error) or type(error).__name__)
            else:
                if answer.is_success:
                    return _page(answer)
                reason = _reason(answer)
                if not answer.is_server_error and answer.status_code != _TOO_MANY:
                    raise CommandError(f"{self._url} refused: {reason}")
            click.echo(f"{self._url}: {reason}; asking again", err=True)
            await asyncio.sleep(self._pause)


def _page(answer: httpx.Response) -> EventPage:
    try:
        return _decode(answer.content)
    except msgspec.MsgspecError as error:
        raise CommandError(f"{answer.url} answered no page of events: {one_line(str(error))}") from None


def _reason(answer: httpx.Response) -> str:
    """A problem's code and detail, or the status of what is none."""
    try:
        told = msgspec.json.decode(answer.content, type=dict[str, object])
    except msgspec.MsgspecError:
        return str(answer.status_code)
    return one_line(f"{answer.status_code} {told.get('code', '')}: {told.get('detail', '')} {_further(told)}", _SHOWN)


def _further(told: dict[str, object]) -> str:
    return " ".join(f"{name} {told[name]}" for name in ("errors", "resume", "lastTrue") if name in told)
