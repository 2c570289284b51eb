"""The configuration: environment variables `LINGDANG_*`, or the same names in a TOML file."""

import os
import tomllib
from collections.abc import Mapping
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Meta

SignType = Literal["ES256", "HMAC-SHA256", "MD5"]
SIGN_TYPES: tuple[SignType, ...] = ("ES256", "HMAC-SHA256", "MD5")

MOST_SECONDS = 10 * 365 * 86400
Seconds = Annotated[int, Meta(gt=0, le=MOST_SECONDS)]

Origin = Annotated[str, Meta(pattern=r"^[a-z][a-z0-9+.-]*://[^\s/?#@,*]+\Z")]
"""As a browser sends it: scheme, host, and the port where it is not the scheme's own. No path, no wildcard."""


class SettingsError(Exception):
    """A setting is unknown or has an impossible value. The message names the setting."""


Url = Annotated[str, Meta(pattern=r"^https?://[^\s/?#@]+(/[^\s?#]*)?\Z")]


class OidcIssuer(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """An identity provider whose tokens open sessions. docs/operations.md explains each member."""

    issuer: Annotated[str, Meta(min_length=1, max_length=512)]
    """As it stands in its tokens' `iss`, to the last slash."""
    audience: Annotated[str, Meta(min_length=1, max_length=512)]
    jwks_url: Url | None = None
    """Where its keys are; without it, what `<issuer>/.well-known/openid-configuration` names."""
    cust_claim: Annotated[str, Meta(min_length=1, max_length=256)] = "sub"
    """The claim of its tokens that is the custId, by its name as it stands there."""
    prefix: Annotated[str, Meta(pattern=r"^[A-Za-z0-9._:@|+~-]{0,64}\Z")] = ""
    """Stands before the claim in every custId of this issuer."""


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Every setting with its default: `LINGDANG_DATA_DIR` sets `data_dir`. docs/operations.md explains each."""

    data_dir: str = ".lingdang"
    database_url: str | None = None
    """A PostgreSQL (15 or newer) of the operator's own; without it the embedded one is started."""
    pgbouncer: bool = False
    """True behind PgBouncer in transaction mode: no prepared statement outlives its transaction."""
    buckets: Annotated[int, Meta(ge=1, le=32767)] = 1
    """Fixed at the first migration of a database: how many buckets its customers are spread over."""
    pool_size: Annotated[int, Meta(ge=7, le=200)] = 18
    """Connections of each worker, parted by purpose (lingdang.bulkheads); its lanes and its probe have their own."""

    sign_types: tuple[SignType, ...] = SIGN_TYPES
    session_seconds: Seconds = 12 * 3600
    offer_seconds: Seconds = 900
    receipt_seconds: Seconds = 30 * 86400
    refund_days: Annotated[int, Meta(ge=0, le=3650)] = 0
    """For so many days customers may give back themselves what they have not opened. 0: never."""
    refund_lapsed: Annotated[str, Meta(pattern=r"^(lapse|extend:[1-9][0-9]{0,3})\Z")] = "extend:30"
    """What an operator's refund does with bells whose end is past: they live for so many days, or lapse at once."""
    refund_vouchers: Literal["back", "keep"] = "back"
    """Whether a wholly refunded order gives its vouchers back."""
    issuer: str = "lingdang"
    time_zone: str = "Asia/Shanghai"
    """The zone in which a day begins and ends, and a time without a zone is told, in commands and queries."""

    oidc_issuer: str | None = None
    oidc_audience: str | None = None
    oidc_jwks_url: str | None = None
    oidc_cust_claim: str = "sub"
    """These four are the one identity provider of most shops; `oidc_issuers` names several in their place."""
    oidc_issuers: Annotated[tuple[OidcIssuer, ...], Meta(max_length=20)] = ()

    login_limit_customer: Annotated[int, Meta(ge=1, le=1000)] = 10
    """Wrong passwords for one customer within `login_window_seconds`; further attempts are answered 429.

    At an address where the customer has signed in, they are counted by themselves."""
    login_limit_address: Annotated[int, Meta(ge=1, le=1000)] = 100
    """Wrong passwords from one client address (IPv6: one /64), beyond which it is slowed."""
    login_window_seconds: Seconds = 900

    queue_limit: Annotated[int, Meta(ge=1, le=1_000_000)] = 2000
    """Commands that may wait in one worker; one more is refused with 503."""
    batch_limit: Annotated[int, Meta(ge=1, le=10_000)] = 256
    command_seconds: Annotated[float, Meta(gt=0, le=300)] = 5.0
    """A command not started within this time is refused unexecuted with 503."""

    wallet_low: dict[
        Annotated[str, Meta(pattern=r"^[A-Z][A-Z0-9_]{0,15}\Z")], Annotated[int, Meta(ge=1, le=10**15)]
    ] = {}
    """By currency, `BELL:100,GEM:5`: a payment or whatever else brings a balance below it is told as `wallet.low`."""
    wallet_expiring_days: Annotated[int, Meta(ge=0, le=366)] = 7
    """So many days before bells lapse `wallet.expiring` is told. 0: never."""

    background: Literal["server", "worker"] = "server"
    """Who runs the background tasks (lingdang.background): the server's workers, or `lingdang worker` alone."""
    seal_deadline_seconds: Seconds = 900
    """A transfer that is older and not sealed is counted as overdue."""
    witness_file: str | None = None
    """Where the newest checkpoint of the journal is kept; without it `witness.jws` beside the keyring."""

    keyring_file: str | None = None
    """The keyring that several machines share; without it `keyring.json` in the data directory."""
    tls_cert: str | None = None
    tls_key: str | None = None
    """A certificate chain and its key in PEM; without them the local authority of the data directory makes them."""
    hsts: Annotated[str, Meta(pattern=r"^(max-age=[0-9]+(; includeSubDomains)?(; preload)?)?\Z")] = ""
    """The Strict-Transport-Security of every answer. None by default: browsers would hold localhost to it for good."""
    trusted_proxies: str = ""
    """Addresses or networks, separated by commas, whose X-Forwarded-For is believed. None by default."""

    public_catalogue: bool = False
    """Whether products are listed and shown to whoever asks, without a session."""
    public_url: Annotated[str, Meta(pattern=r"^https?://[^\s/?#@]+\Z")] | None = None
    """Where readers find the shop front, `https://shop.example`: the canonical addresses of products begin with it."""
    cors_origins: tuple[Origin, ...] = ()
    """Origins of front ends elsewhere whose scripts may read answers, `https://shop.example`. None by default."""

    webhook_networks: tuple[str, ...] = ()
    """Networks that webhooks may go to though they are not public, `10.1.0.0/16`; plain HTTP goes to these alone."""
    webhook_ports: tuple[Annotated[int, Meta(ge=1, le=65535)], ...] = (443,)
    """The ports that webhooks may go to."""
    webhook_proxy: Annotated[str, Meta(pattern=r"^https?://[^\s/?#]+\Z")] | None = None
    """An egress proxy for webhooks, `http://proxy.example:3128`. It resolves names, and refuses what is not public."""

    topup_providers: dict[Annotated[str, Meta(pattern=r"^[a-z][a-z0-9-]{0,31}\Z")], dict[str, Any]] = {}
    """Accounts at providers by name: their `kind`, and what the module of that kind asks for."""
    sandbox: bool = False
    """An account `sandbox` whose money is nobody's. For trying out: whoever may top up has bells for nothing."""
    return_origins: tuple[Origin, ...] = ()
    """Origins that a payer may be sent back to, besides the shop's own."""
    topup_limits: dict[
        Annotated[str, Meta(pattern=r"^([^/,:\s]{1,64}/)?[A-Z]{3}\Z")], Annotated[int, Meta(ge=0, le=10**15)]
    ] = {}
    """The most real money that a customer begins a day, in minor units: `CNY:100000,minors/CNY:5000`."""
    cash_refunds: Annotated[str, Meta(pattern=r"^(off|days:[1-9][0-9]{0,3})\Z")] = "off"
    """For how long after a top-up an operator may give back the money of what is left of it."""
    topup_rights: Literal["keep", "revoke"] = "keep"
    """Where money that went back leaves a debt: rights are kept, or books refunded, newest first, until it is paid."""
    topup_inbox_days: Annotated[int, Meta(ge=1, le=3650)] = 180
    """How long what providers told is kept."""

    texts_dir: str | None = None
    """A folder with the books' texts, `<productId>.txt`, for the shop front's reader."""
    demo: bool = False
    """The shop front shows what is signed and sent, and the signing lab is there. `serve --demo` sets it."""

    give_up_seconds: Annotated[float, Meta(gt=0, le=3600)] = 20.0
    """How long a batch is run again while the database is away, before its outcome is called unknown."""

    max_body_bytes: Annotated[int, Meta(ge=1024, le=64 * 2**20)] = 512 * 1024
    body_seconds: Annotated[float, Meta(gt=0, le=300)] = 15.0
    """A request that takes longer to arrive is answered 408. Who takes longer for 64 KiB of an answer is cut off."""
    connection_limit: Annotated[int, Meta(ge=1, le=1_000_000)] = 10_000
    """Connections of one worker. At the limit idle strangers go for newcomers; without any, newcomers get 503."""
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    log_format: Literal["auto", "json", "console"] = "auto"
    access_log: bool = False

    @property
    def zone(self) -> ZoneInfo:
        """The zone of `time_zone`. Raises SettingsError when there is none of that name."""
        try:
            return ZoneInfo(self.time_zone)
        except (LookupError, ValueError, OSError):
            raise SettingsError(
                f"configuration: LINGDANG_TIME_ZONE: no zone is called {self.time_zone!r}; e.g. Asia/Shanghai"
            ) from None

    @property
    def trusted_issuers(self) -> tuple[OidcIssuer, ...]:
        """The identity providers, however they were named. Raises SettingsError when they cannot be."""
        if not self.oidc_issuer:
            if self.oidc_audience or self.oidc_jwks_url:
                raise _no_issuers("LINGDANG_OIDC_AUDIENCE and LINGDANG_OIDC_JWKS_URL need LINGDANG_OIDC_ISSUER")
            return _without_doubt(self.oidc_issuers)
        if self.oidc_issuers:
            raise _no_issuers("set LINGDANG_OIDC_ISSUER or LINGDANG_OIDC_ISSUERS, not both")
        if not self.oidc_audience:
            raise _no_issuers("LINGDANG_OIDC_ISSUER needs LINGDANG_OIDC_AUDIENCE")
        only = {"issuer": self.oidc_issuer, "audience": self.oidc_audience, "jwks_url": self.oidc_jwks_url or None}
        try:
            return _without_doubt((msgspec.convert(only | {"cust_claim": self.oidc_cust_claim}, OidcIssuer),))
        except msgspec.ValidationError as error:
            raise _no_issuers(f"LINGDANG_OIDC_…: {error}") from None

    @property
    def private_networks(self) -> tuple[IPv4Network | IPv6Network, ...]:
        """The networks of `webhook_networks`. Raises SettingsError for what is none."""
        try:
            return tuple(ip_network(text) for text in self.webhook_networks)
        except ValueError as error:
            raise SettingsError(f"configuration: LINGDANG_WEBHOOK_NETWORKS: {error}") from None

    @property
    def data_path(self) -> Path:
        return Path(self.data_dir).expanduser().absolute()


def _without_doubt(issuers: tuple[OidcIssuer, ...]) -> tuple[OidcIssuer, ...]:
    """The same, when each token names one of them and its keys can be found."""
    names = [each.issuer for each in issuers]
    for name in names:
        if names.count(name) > 1:
            raise _no_issuers(f"LINGDANG_OIDC_ISSUERS names {name} twice")
    for each in issuers:
        if each.jwks_url is None and not each.issuer.startswith(("https://", "http://")):
            raise _no_issuers(f"{each.issuer} is no URL, where its keys could be looked up; set its JWKS URL")
    return issuers


def _no_issuers(reason: str) -> SettingsError:
    return SettingsError(f"configuration: {reason}")


_LISTS = ("sign_types", "cors_origins", "return_origins", "webhook_networks", "webhook_ports")
"""Settings of several values; a text separates them by commas."""

_NUMBERS = {
    "wallet_low": "names each currency once with a number: BELL:100,GEM:5",
    "topup_limits": "names each currency once, or a group with it, with a number: CNY:100000,minors/CNY:5000",
}
"""Settings of numbers by name, with what is asked for."""

_AS_JSON = {"oidc_issuers": "array", "topup_providers": "object"}
"""Settings that a text gives as JSON."""

_PATHS = ("data_dir", "witness_file", "keyring_file", "tls_cert", "tls_key", "texts_dir")
"""Settings that name a file or a folder."""

_NO_DEFAULTS: Mapping[str, Any] = MappingProxyType({})


def load_settings(
    environ: Mapping[str, str] = os.environ, defaults: Mapping[str, Any] = _NO_DEFAULTS, **overrides: Any
) -> Settings:
    """Settings from `LINGDANG_CONFIG` (a TOML file), the environment over it, and `overrides` over both.

    `defaults` stand in the place of those of Settings. Relative paths in the file begin at its folder, all others at
    the current one.

    Raises SettingsError for an unknown name or a value that cannot be.
    """
    values: dict[str, Any] = dict(defaults)
    if config := environ.get("LINGDANG_CONFIG"):
        values |= _placed(_fields(_read_toml(Path(config))), Path(config).absolute().parent)
    named = {name: value for name, value in environ.items() if name.startswith("LINGDANG_")}
    values |= _fields({name: value for name, value in named.items() if name != "LINGDANG_CONFIG"})
    values |= {name: value for name, value in overrides.items() if value is not None}
    try:
        settings = msgspec.convert(values, Settings, strict=False)
    except msgspec.ValidationError as error:
        raise SettingsError(f"configuration: {error}") from None
    settings.zone, settings.trusted_issuers, settings.private_networks  # noqa: B018 - what cannot be is told at once
    return settings


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SettingsError(f"{path}: {error}") from None


def _placed(fields: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """The same, with relative paths begun at this folder. One that begins with `~` is none."""
    return {
        field: str(folder / value)
        if field in _PATHS and isinstance(value, str) and value and not value.startswith("~")
        else value
        for field, value in fields.items()
    }


def _fields(given: Mapping[str, Any]) -> dict[str, Any]:
    """By the names of Settings; a text is read alike in the file and in the environment."""
    named = {name.removeprefix("LINGDANG_").lower(): value for name, value in given.items()}
    return {field: _split(field, value) if isinstance(value, str) else value for field, value in named.items()}


def _split(field: str, value: str) -> Any:
    if field in _NUMBERS:
        return _numbers_of(field, value)
    if field in ("cors_origins", "return_origins", "oidc_issuers", "webhook_networks") and not value.strip():
        return ()
    if field in _AS_JSON:
        return _decoded(field, value)
    return tuple(part.strip() for part in value.split(",")) if field in _LISTS else value


def _numbers_of(field: str, value: str) -> Any:
    parts = [part.strip().partition(":") for part in value.split(",") if part.strip()]
    found = {name.strip(): amount.strip() for name, _, amount in parts}
    if len(found) < len(parts) or not all(amount.isdecimal() for amount in found.values()):
        raise SettingsError(f"configuration: LINGDANG_{field.upper()} {_NUMBERS[field]}")
    return found


def _decoded(field: str, value: str) -> Any:
    try:
        return msgspec.json.decode(value or "{}")
    except msgspec.MsgspecError as error:
        raise SettingsError(f"configuration: LINGDANG_{field.upper()} is no JSON {_AS_JSON[field]}: {error}") from None
