"""Logs: one line an event, as JSON or for a console, without secrets and without a way to forge a line."""

import contextlib
import io
import logging
import re
import sys
from collections.abc import MutableMapping
from typing import Any, TextIO, cast

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from lingdang.settings import Settings

HIDDEN = "[hidden]"

_SECRET_NAMES = re.compile(
    r"authori[sz]ation|password|passwd|secret|sign$|sign_?key|token|api_?key|cookie|database_?url|private",
    re.IGNORECASE,
)
_SECRET_VALUES = re.compile(
    r"(?P<bearer>\b(?:bearer|basic)\s+)\S+"  # an Authorization header
    r"|(?P<url>\w+://[^\s:/@]*:)[^\s@]+(?=@)"  # the password in a URL
    r"|(?P<setting>\bpassword\s*=\s*)(?:'[^']*'|\S+)"  # the password in a connection string
    r"|\bld_[A-Za-z0-9_\-]{8,}"  # an API key
    r"|\beyJ[A-Za-z0-9_\-.]+"  # a JOSE token
    r"|(?<![A-Za-z0-9_\-])[A-Fa-f0-9]{32,}(?![A-Za-z0-9_\-])"  # a signature in hex
    r"|(?<![A-Za-z0-9_\-/])[A-Za-z0-9_\-]{40,}",  # a key, a token or a signature in base64url
    re.IGNORECASE,
)
_CONTROL = {code: f"\\x{code:02x}" for code in (*range(0x20), *range(0x7F, 0xA0), 0x2028, 0x2029)}
_CONTROL_BUT_NEWLINE = {code: text for code, text in _CONTROL.items() if code != 0x0A}
_QUIET = ("uvicorn", "uvicorn.error", "uvicorn.access", "asyncio", "httpx", "httpcore", "alembic", "sqlalchemy")


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
    """The event with secrets hidden, by the name of a value and by its look, and control characters escaped."""
    return {name: _clean(name, value) for name, value in event.items()}


def _clean(name: str, value: Any) -> Any:
    if _SECRET_NAMES.search(name):
        return HIDDEN
    if isinstance(value, str):
        return _plain(_hide(value), keeps_lines=name == "exception")
    if isinstance(value, dict):
        return {str(key): _clean(str(key), member) for key, member in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_clean("", member) for member in value]
    if value is None or isinstance(value, bool | int | float):
        return value
    return _plain(_hide(str(value)), keeps_lines=False)


def _hide(text: str) -> str:
    return _SECRET_VALUES.sub(lambda m: (m["bearer"] or m["url"] or m["setting"] or "") + HIDDEN, text)


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
