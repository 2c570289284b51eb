"""The accounts at providers that the settings name. A provider's module is imported only when one is its own."""

import asyncio
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime
from importlib import import_module
from pathlib import Path
from typing import Any, TypeVar, cast

import msgspec
import structlog

from lingdang.ids import in_words
from lingdang.keys import Keyring
from lingdang.settings import Settings, SettingsError
from lingdang.topup.providers.provider import Forged, Notification, Provider, Refused, Standing, Store, Unavailable
from lingdang.topup.providers.sandbox import Sandbox

CALLS = 4
"""Calls to a provider that are under way at a time, for one account in one process: of the shop's own, such as refunds,
and as many that customers wait for. Customers may come in crowds, with proofs that they made up."""
READS = 2
"""Notifications of one account that are verified at a time."""
CALLS_WAITING, READS_WAITING = 64, 512
"""How many may be under way or wait for that. Verifying takes a thousandth of a second, a call as long as it likes."""
CALL_SECONDS = 30.0
READ_SECONDS, STORE_READ_SECONDS = 0.8, 8.0
"""A notification is answered within a second; that of a store once Google was asked what it is about, or Apple whether
its certificates are revoked. Pub/Sub waits ten seconds."""
LIST_SECONDS = 1800.0
"""A list of a day has many pages where there were many payments."""

_KINDS = ("stripe", "wechat", "alipay", "apple", "google")
_FILE = "_file"

T = TypeVar("T")
_log = structlog.get_logger(__name__)


class Account:
    """An account at a provider, with threads of its own: a provider that hangs holds up nobody else."""

    def __init__(self, name: str, provider: Provider) -> None:
        self.name = name
        self.provider = provider
        self._closed = False
        self._calls = _Threads(f"topup-{name}", CALLS, CALLS_WAITING, CALL_SECONDS)
        self._customers = _Threads(f"topup-customers-{name}", CALLS, CALLS_WAITING, CALL_SECONDS)
        read_seconds = READ_SECONDS if self.store is None else STORE_READ_SECONDS
        self._reads = _Threads(f"topup-read-{name}", READS, READS_WAITING, read_seconds)
        self._lists = _Threads(f"topup-list-{name}", 1, 1, LIST_SECONDS)

    @property
    def store(self) -> Store | None:
        """The provider, where it is a store."""
        return cast(Store, self.provider) if "store" in self.provider.channels else None

    async def call(self, work: Callable[[], T]) -> T:
        """What the provider answers, asked in a thread. Raises Unavailable and Refused."""
        return await self._told(self._calls, work)

    async def call_for_customer(self, work: Callable[[], T]) -> T:
        """As `call`, for what a customer waits for: however many they are, the shop's own calls have their turn."""
        return await self._told(self._customers, work)

    async def read(self, headers: Mapping[str, str], body: bytes, now: datetime) -> Notification:
        """A notification, verified in a thread. Raises Forged and Unavailable."""
        return await self._told(self._reads, lambda: self.provider.read(headers, body, now))

    async def listed(self, day: date) -> list[Standing]:
        """The provider's list of a day, read in a thread. Raises Unavailable and Refused."""
        return await self._told(self._lists, lambda: list(self._pages(day)))

    def _pages(self, day: date) -> Iterator[Standing]:
        for standing in self.provider.list_day(day):
            if self._closed:
                raise Unavailable("closed")  # a process that ends waits for its threads
            yield standing

    async def _told(self, threads: "_Threads", work: Callable[[], T]) -> T:
        try:
            return await threads.run(work)
        except (Unavailable, Refused, Forged):
            raise
        except Exception as error:
            _log.exception("provider_failed", account=self.name)
            raise Unavailable from error

    def close(self) -> None:
        """Take no further calls; those under way end by themselves."""
        self._closed = True
        self._calls.close()
        self._customers.close()
        self._reads.close()
        self._lists.close()


class _Threads:
    """Threads for one purpose: `most` calls may be under way or wait, each for so many seconds."""

    def __init__(self, name: str, threads: int, most: int, seconds: float) -> None:
        self._threads = ThreadPoolExecutor(threads, name)
        self._most = most
        self._seconds = seconds
        self._under_way = 0

    async def run(self, work: Callable[[], T]) -> T:
        """What the work returns. Raises Unavailable when there is no room, or it takes too long."""
        if self._under_way >= self._most:
            raise Unavailable
        self._under_way += 1
        future = asyncio.get_running_loop().run_in_executor(self._threads, work)
        future.add_done_callback(self._ended)
        try:
            return await asyncio.wait_for(asyncio.shield(future), self._seconds)
        except TimeoutError:
            raise Unavailable from None

    def _ended(self, future: "asyncio.Future[Any]") -> None:
        self._under_way -= 1
        if not future.cancelled():
            future.exception()  # whoever asked may have gone

    def close(self) -> None:
        """Take no further work."""
        self._threads.shutdown(wait=False, cancel_futures=True)


Accounts = Mapping[str, Account]


def make_accounts(settings: Settings, database_url: str, keyring: Keyring) -> Accounts:
    """The accounts by name. Raises SettingsError for one that cannot be."""
    if settings.topup_providers and settings.public_url is None:
        raise SettingsError("configuration: LINGDANG_TOPUP_PROVIDERS needs LINGDANG_PUBLIC_URL: providers write to it")
    made = {name: Account(name, _provider(name, given)) for name, given in settings.topup_providers.items()}
    if settings.sandbox or settings.demo:
        if "sandbox" in made:
            raise _wrong("sandbox", "with LINGDANG_SANDBOX this name is the sandbox's")
        made["sandbox"] = Account("sandbox", Sandbox("sandbox", database_url, keyring, settings.public_url or ""))
    return made


def _provider(name: str, given: Mapping[str, Any]) -> Provider:
    kind = given.get("kind")
    if kind not in _KINDS:
        raise _wrong(name, f"kind: expected one of {', '.join(_KINDS)}")
    try:
        module = import_module(f"lingdang.topup.providers.{kind}")
    except ImportError as error:
        raise _wrong(name, f"{error}; it needs the extra [{kind}] (docs/topups-providers.md)") from None
    fields = {field.encode_name for field in msgspec.structs.fields(module.Account)}
    try:
        account = msgspec.convert(_with_secrets(name, given, fields), module.Account, strict=False)
        provider: Provider = module.make(account)
    except (msgspec.ValidationError, ValueError, TypeError) as error:
        raise _wrong(name, in_words(str(error))) from None
    return provider


def _with_secrets(name: str, given: Mapping[str, Any], fields: set[str]) -> dict[str, Any]:
    """The settings of an account, with what `…_file` names read: `secret_key_file` stands for `secret_key`."""
    values: dict[str, Any] = {}
    for key, value in given.items():
        if key in fields or not key.endswith(_FILE):
            values[key] = value
            continue
        try:
            values[key.removesuffix(_FILE)] = Path(value).expanduser().read_text("utf-8").strip()
        except (OSError, UnicodeDecodeError, TypeError) as error:
            raise _wrong(name, f"{key}: {error}") from None
    return {key: value for key, value in values.items() if key != "kind" or "kind" in fields}


def _wrong(name: str, reason: str) -> SettingsError:
    return SettingsError(f"configuration: LINGDANG_TOPUP_PROVIDERS: {name}: {reason}")
