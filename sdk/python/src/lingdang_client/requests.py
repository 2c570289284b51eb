"""Requests in the name of a session."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlencode

import msgspec

from lingdang_client.effects import Request
from lingdang_client.errors import NoSession
from lingdang_client.sessions import Session


class Requests:
    """Makes requests with the headers that the contract asks for; `language` and `device_id` are optional ones."""

    def __init__(self, session: Session | None, language: str | None, device_id: str | None) -> None:
        self.opened = session
        named = {"Accept-Language": language, "X-Device-Id": device_id}
        self._headers = {name: value for name, value in named.items() if value is not None}

    @property
    def session(self) -> Session:
        """The open session. Raises NoSession."""
        if self.opened is None:
            raise NoSession("open a session first")
        return self.opened

    def make(self, method: str, path: str, body: object = None, key: str | None = None) -> Request:
        """A request of the session's customer, with an idempotency `key` or without. `body` is encoded as JSON.

        Raises NoSession.
        """
        session = self.session
        headers = {"Authorization": f"Bearer {session.session_token}", "X-Cust-Id": session.cust_id}
        return self._request(method, path, body, headers if key is None else {**headers, "Idempotency-Key": key})

    def make_anonymous(
        self, method: str, path: str, body: object = None, headers: Mapping[str, str] | None = None
    ) -> Request:
        """A request of nobody in particular."""
        return self._request(method, path, body, headers or {})

    def _request(self, method: str, path: str, body: object, headers: Mapping[str, str]) -> Request:
        sent = {"Accept": "application/json", **self._headers, **headers}
        if body is None:
            return Request(method, path, sent)
        return Request(method, path, {**sent, "Content-Type": "application/json"}, msgspec.json.encode(body))


def item_path(path: str, item: str) -> str:
    """The path of one thing, e.g. `item_path("/v1/products", "book 1")`: `/v1/products/book%201`."""
    return f"{path}/{quote(item, safe=':')}"


def list_path(path: str, **parameters: Any) -> str:
    """A path with those query parameters that are not None."""
    given = {name: value for name, value in parameters.items() if value is not None}
    return f"{path}?{urlencode(given)}" if given else path
