"""Logs: one line an event, as JSON or for a console, without secrets and without a way to forge a line."""

import contextlib
import io
import logging
import re
import sys
from collections.abc import Mapping, MutableMapping
from typing import Any, TextIO, cast

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from lingdang.settings import Settings

HIDDEN = "[hidden]"

_NAMED = (
    r"[\w-]{0,40}(?:authori[sz]ation|password|passwd|secret|token|cookie|private"
    r"|sign[_-]?key|api[_-]?key|database[_-]?url)"
)
_SIGN = r"(?:[\w-]{0,40}[_-])?sign(?:ature)?"
_SECRET_FIELD = re.compile(rf"{_NAMED}[\w-]*|{_SIGN}", re.IGNORECASE)
"""A value under such a name is hidden, whatever it is."""

_AS_IT_IS = frozenset({"request_id", "session", "checkpoint", "key_id", "level", "timestamp", "process"})
"""What is never secret, whatever it looks like: ids, and what the shop publishes."""
_NO_FREE_TEXT = frozenset({"customer", "route", "path", "client", "name", "code", "reason", "url", "file", "witness"})
"""What may hold a secret only if somebody put it in the wrong place: then it has a form that tells it."""

_VALUE = r"""(?:"(?:[^"\\]|\\.)*"?|'(?:[^'\\]|\\.)*'?|[^\s,;&"')}\]]+)"""
_FORMS = (
    r"(?P<scheme>\b(?:bearer|basic)\s+)\S+"  # the value of an Authorization header
    r"|(?P<url>\b\w[\w+.-]{0,30}://[^\s:/@]*:)(?!\d{1,5}(?:[/?#\s]|$))\S{1,1024}(?=@)"  # the password in a URL
    rf"|(?P<named>\b(?:{_NAMED}|{_SIGN})(?:[\"']\s*[:=,]|\s*=)\s*b?){_VALUE}"  # name=value, 'name': value
    r"|(?P<header>\b(?:proxy-authorization|authorization|(?:set-)?cookie|x-api-key)\s*:\s*)[^\r\n]+"
    r"|(?P<key>(?<![A-Za-z0-9])ld_[0-9a-f]{16}_)[A-Za-z0-9_-]+"  # an API key; its id may be shown
    r"|(?<![A-Za-z0-9_-])(?-i:eyJ)[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_.-]*"  # a session token, an order token, any JOSE token
    r"|\$argon2[a-z]*\$\S+"
    r"|(?P<pem>-----BEGIN [A-Z ]*PRIVATE KEY-----)[\s\S]*?(?:(?=-----END)|\Z)"
)
_BARE_KEY = r"|(?<![A-Za-z0-9_/+=-])[A-Za-z0-9_-]{42}(?-i:[AEIMQUYcgkosw048])(?![A-Za-z0-9_/+=-])"
"""32 bytes in base64url: a signKey, an API key's secret, a secret of the keyring."""

_FORM = re.compile(_FORMS, re.IGNORECASE)
_FORM_IN_TEXT = re.compile(_FORMS + _BARE_KEY, re.IGNORECASE)
_CONTROL = {code: f"\\x{code:02x}" for code in (*range(0x20), *range(0x7F, 0xA0), 0x2028, 0x2029)}
_CONTROL_BUT_NEWLINE = {code: text for code, text in _CONTROL.items() if code != 0x0A}
_QUIET = (
    "uvicorn",
    "uvicorn.error",
    "uvicorn.access",
    "asyncio",
    "httpx",
    "httpcore",
    "alembic",
    "sqlalchemy",
    "stripe",
)


def configure_logging(settings: Settings, process: str) -> None:
    """Send every log of this process, structlog's and the libraries', to stderr. `process` names it in each line."""
    level = logging.getLevelNamesMapping()[settings.log_level.upper()]
    as_json = settings.log_format == "json" or (settings.log_format == "auto" and not sys.stderr.isatty())
    structlog.configure(
        processors=_processors(process, as_json),
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(cast("TextIO", _Patient(sys.stderr))),
        cache_logger_on_first_use=True,
    )
    logging.basicConfig(handlers=[_ToStructlog()], level=level, force=True)
    for name in _QUIET:
        # Their news of every step and of every malformed request would drown the rest.
        logging.getLogger(name).setLevel(level if level <= logging.DEBUG else logging.ERROR)


def _processors(process: str, as_json: bool) -> list[Processor]:
    def named(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
        return {**event, "process": process}

    render: Processor = (
        structlog.processors.JSONRenderer(ensure_ascii=False, default=str)
        if as_json
        else structlog.dev.ConsoleRenderer(
            colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback
        )
    )
    return [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        named,
        structlog.processors.format_exc_info,
        without_secrets,
        render,
    ]


def without_secrets(_: WrappedLogger | None, __: str, event: EventDict) -> MutableMapping[str, Any]:
    """The event with secrets hidden, by their names and by the forms that ours have, and control characters escaped."""
    return {name: _clean(name, value) for name, value in event.items()}


def _clean(name: str, value: Any) -> Any:
    if _SECRET_FIELD.fullmatch(name):
        return HIDDEN
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, Mapping):
        return {_clean("", _text(key)): _clean(_text(key), member) for key, member in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return _clean_all(name, list(value))
    text = _text(value)
    return _plain(text if name in _AS_IT_IS else _hide(text, name), keeps_lines=name == "exception")


def _clean_all(name: str, members: list[Any]) -> list[Any]:
    """The members; of a pair such as a header, the second goes by the name of the first."""
    if len(members) == 2 and isinstance(members[0], str | bytes) and _SECRET_FIELD.fullmatch(_text(members[0])):
        return [_text(members[0]), HIDDEN]
    return [_clean(name, member) for member in members]


def _text(value: object) -> str:
    return bytes(value).decode("utf-8", "backslashreplace") if isinstance(value, bytes | bytearray) else str(value)


def _hide(text: str, name: str) -> str:
    return (_FORM if name in _NO_FREE_TEXT else _FORM_IN_TEXT).sub(_hidden, text)


def _hidden(found: re.Match[str]) -> str:
    """The mark, behind what stood before the secret."""
    return next((part for part in found.groups() if part), "") + HIDDEN


def _plain(text: str, *, keeps_lines: bool) -> str:
    if keeps_lines:  # a traceback keeps its lines, set in, so that none can pass for an event of its own
        return text.translate(_CONTROL_BUT_NEWLINE).replace("\n", "\n    ")
    return text.translate(_CONTROL)


class _Patient(io.TextIOBase):
    """A stream whose lines are lost when its disk is full or its reader is gone: no request fails with its log."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        with contextlib.suppress(OSError, ValueError):  # a closed stream raises the latter
            self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        with contextlib.suppress(OSError, ValueError):
            self._stream.flush()


class _ToStructlog(logging.Handler):
    """The libraries' records as events."""

    def emit(self, record: logging.LogRecord) -> None:
        log = structlog.get_logger()
        log.log(record.levelno, record.getMessage(), logger=record.name, exc_info=record.exc_info)
