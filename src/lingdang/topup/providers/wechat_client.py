"""WeChat Pay's API through its library, which answers a status and a text: which may pass, which are final."""

from collections.abc import Callable
from typing import Any, TypeVar, overload

import msgspec

from lingdang.topup.providers.provider import Refused, Unavailable
from lingdang.topup.providers.wechat_objects import Problem

_PASSING = frozenset({401, 408, 429})
"""A wrong key or certificate is an operator's to repair; no top-up is given up for it."""
_CODES = frozenset({"SYSTEM_ERROR", "SYSTEMERROR", "BANK_ERROR", "FREQUENCY_LIMITED", "STATEMENT_CREATING"})

_Decoded = TypeVar("_Decoded")


class WechatApi:
    """One merchant's API at `address`. Every method raises Unavailable and Refused."""

    def __init__(self, wechat: Any, address: str) -> None:
        wechat._core._gate_way = address  # the library has no other way to name it
        self._wechat = wechat
        self._address = address

    @overload
    def call(self, kind: type[_Decoded], call: Callable[[Any], tuple[int, Any]]) -> _Decoded: ...

    @overload
    def call(self, kind: None, call: Callable[[Any], tuple[int, Any]]) -> None: ...

    def call(self, kind: type[_Decoded] | None, call: Callable[[Any], tuple[int, Any]]) -> _Decoded | None:
        """What the library's call answers, once its signature was verified; None where nothing is asked for."""
        try:
            status, text = call(self._wechat)
        except Exception as error:  # bare ones for a signature that does not fit, and those of requests
            raise Unavailable(type(error).__name__) from error
        if 200 <= status < 300:
            return None if kind is None else _decode(text, kind)
        code = _code(text)
        if status >= 500 or status in _PASSING or code in _CODES:
            raise Unavailable(code)
        raise Refused(code)

    def download(self, url: str) -> bytes:
        """A file, unsigned. It is taken from the API's own address alone."""
        if not url.startswith(f"{self._address}/"):
            raise Unavailable("bill: elsewhere")
        try:
            status, content = self._wechat.download_bill(url)
        except Exception as error:
            raise Unavailable(type(error).__name__) from error
        if status != 200 or not isinstance(content, bytes):
            raise Unavailable("bill")
        return content


def _decode(text: Any, kind: type[_Decoded]) -> _Decoded:
    try:
        return msgspec.json.decode(text, type=kind)
    except msgspec.DecodeError as error:
        raise Unavailable(f"unreadable: {error}") from error


def _code(text: Any) -> str:
    try:
        return msgspec.json.decode(text or "{}", type=Problem).code
    except msgspec.DecodeError:
        return "unreadable"
