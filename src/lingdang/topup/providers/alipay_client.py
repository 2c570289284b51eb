"""Alipay's gateway: signed requests, and answers whose signature is over the very text of a member of them."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TypeVar
from urllib.parse import urlencode

import httpx
import msgspec
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey

from lingdang.topup.providers.alipay_signing import is_signed, sign, signed_text
from lingdang.topup.providers.checks import CHINA
from lingdang.topup.providers.provider import Refused, Unavailable

_SECONDS = 20.0
_DONE = "10000"
_FAILED = "40004"
"""The request was understood, and is refused for a reason of the trade's (`ACQ.…`)."""
_PASSING = frozenset({"ACQ.SYSTEM_ERROR", "SYSTEM_ERROR", "aop.ACQ.SYSTEM_ERROR"})
_MOST_BYTES = 100_000_000

_Decoded = TypeVar("_Decoded")


class AlipayApi:
    """One app's access to the gateway. Every method raises Unavailable and Refused."""

    def __init__(self, app_id: str, key: RSAPrivateKey, alipay_key: RSAPublicKey, gateway: str) -> None:
        self._app_id = app_id
        self._key = key
        self._alipay_key = alipay_key
        self._gateway = gateway
        self._client = httpx.Client(timeout=_SECONDS, follow_redirects=False)

    def page(self, method: str, content: Mapping[str, object], more: Mapping[str, str]) -> str:
        """The address of a page of Alipay's, with a signed request in it."""
        return f"{self._gateway}?{urlencode(self._request(method, content, more))}"

    def call(self, method: str, content: Mapping[str, object], kind: type[_Decoded]) -> _Decoded:
        """What a method answers, once its signature was verified."""
        try:
            answer = self._client.post(f"{self._gateway}?charset=utf-8", data=self._request(method, content, {}))
            text = answer.content.decode()
        except (httpx.HTTPError, UnicodeDecodeError) as error:
            raise Unavailable(type(error).__name__) from error
        member = _member(text, f"{method.replace('.', '_')}_response")
        if not is_signed(self._alipay_key, member, _decode(text, _Signed).sign):
            raise Unavailable("signature")
        outcome = _decode(member, _Outcome)
        if outcome.code == _DONE:
            return _decode(member, kind)
        reason = outcome.sub_code or outcome.code
        # Whatever is wrong with our key, rights or form is an operator's to repair; no top-up is given up for it.
        raise Refused(reason) if outcome.code == _FAILED and reason not in _PASSING else Unavailable(reason)

    def download(self, url: str) -> bytes:
        """A file at the address that a signed answer told."""
        try:
            with self._client.stream("GET", url) as answer:
                answer.raise_for_status()
                content = b""
                for part in answer.iter_bytes():
                    content += part
                    if len(content) > _MOST_BYTES:
                        raise Unavailable("bill: too long")
                return content
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise Unavailable(type(error).__name__) from error

    def _request(self, method: str, content: Mapping[str, object], more: Mapping[str, str]) -> dict[str, str]:
        parameters = {
            "app_id": self._app_id,
            "method": method,
            "format": "JSON",
            "charset": "utf-8",
            "sign_type": "RSA2",
            "timestamp": f"{datetime.now(UTC).astimezone(CHINA):%Y-%m-%d %H:%M:%S}",
            "version": "1.0",
            "biz_content": msgspec.json.encode(content).decode(),
            **more,
        }
        return {**parameters, "sign": sign(self._key, signed_text(parameters))}


class _Signed(msgspec.Struct, frozen=True):
    sign: str


class _Outcome(msgspec.Struct, frozen=True):
    code: str
    sub_code: str | None = None


def _member(text: str, name: str) -> str:
    """The text of a member as it stands in the answer: a signature is over its bytes. Raises Unavailable."""
    _, found, rest = text.partition(f'"{name}":')
    try:
        _, end = json.JSONDecoder().raw_decode(rest) if found else (None, 0)
    except (ValueError, RecursionError):
        end = 0
    if end == 0:
        raise Unavailable("unreadable")
    return rest[:end]


def _decode(text: str, kind: type[_Decoded]) -> _Decoded:
    try:
        return msgspec.json.decode(text, type=kind)
    except msgspec.DecodeError as error:
        raise Unavailable(f"unreadable: {error}") from error
