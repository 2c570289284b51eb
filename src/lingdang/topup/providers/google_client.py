"""Google Play's API: signed in as a service account, over REST. Which answers may pass and which are final."""

import json
from collections.abc import Mapping
from typing import Any, TypeVar

import google.auth.exceptions
import msgspec
import requests
from google.auth.transport.requests import AuthorizedSession
from google.oauth2.service_account import Credentials

from lingdang.topup.providers.provider import Refused, Unavailable

_SCOPE = "https://www.googleapis.com/auth/androidpublisher"
_SECONDS = 20
_PASSING = frozenset({401, 403, 408, 429})
"""A wrong key or a right that is missing is an operator's to repair; no top-up is given up for it."""
_GONE = frozenset({404, 410})

_Decoded = TypeVar("_Decoded")


class GoogleApi:
    """One app's API. Every method raises Unavailable and Refused."""

    def __init__(self, service_account: str, package: str, address: str) -> None:
        info = json.loads(service_account)
        credentials: Any = Credentials.from_service_account_info(info, scopes=[_SCOPE])  # type: ignore[no-untyped-call]
        self._session: Any = AuthorizedSession(credentials)  # type: ignore[no-untyped-call]
        self._address = f"{address}/androidpublisher/v3/applications/{package}"

    def get(self, path: str, kind: type[_Decoded], **query: str) -> _Decoded | None:
        """One resource; None where Google has none."""
        answer = self._answer("GET", path, query, None)
        return None if answer is None else _decode(answer, kind)

    def post(self, path: str, content: Mapping[str, object] | None = None, **query: str) -> bool:
        """Have something done; whether Google knows what it is done to."""
        return self._answer("POST", path, query, content) is not None

    def certificates(self, url: str) -> Mapping[str, str]:
        """Google's certificates by the ids of their keys."""
        try:
            answer = requests.get(url, timeout=5)
            answer.raise_for_status()
        except requests.RequestException as error:
            raise Unavailable(type(error).__name__) from error
        return _decode(answer.content, dict[str, str])

    def _answer(self, method: str, path: str, query: Mapping[str, str], content: object) -> bytes | None:
        try:
            answer = self._session.request(
                method, f"{self._address}{path}", params=query, json=content, timeout=_SECONDS, allow_redirects=False
            )
        except (google.auth.exceptions.GoogleAuthError, requests.RequestException) as error:
            raise Unavailable(type(error).__name__) from error
        if answer.status_code in _GONE:
            return None
        if 200 <= answer.status_code < 300:
            return bytes(answer.content)
        if answer.status_code >= 500 or answer.status_code in _PASSING or answer.status_code < 400:
            raise Unavailable(str(answer.status_code))
        raise Refused(_reason(answer.content))


class _Why(msgspec.Struct, frozen=True):
    status: str = ""
    message: str = ""


class _Problem(msgspec.Struct, frozen=True):
    error: _Why = _Why()


def _reason(content: bytes) -> str:
    try:
        why = msgspec.json.decode(content, type=_Problem).error
    except msgspec.DecodeError:
        return "unreadable"
    return why.status or why.message[:64] or "unreadable"


def _decode(content: bytes, kind: type[_Decoded]) -> _Decoded:
    try:
        return msgspec.json.decode(content, type=kind, strict=False)  # whole numbers come as texts
    except msgspec.DecodeError as error:
        raise Unavailable(f"unreadable: {error}") from error
