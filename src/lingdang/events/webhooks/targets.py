"""Where an endpoint is, read strictly: one spelling, one meaning.

URL parsers disagree about user names, backslashes, dots of other scripts and numbers for addresses. What is not plain
is refused, and what was read here is what is connected to: no other parser sees the text.
"""

import re
from typing import Literal

import msgspec

from lingdang.events.webhooks.addresses import Address, read_address

MOST_CHARACTERS = 2048

_URL = re.compile(
    r"(?P<scheme>https?)://"
    r"(?P<host>[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])"
    r"(:(?P<port>[1-9][0-9]{0,4}))?"
    r"(?P<target>/[!$-;=?-\[\]_a-z~%]*)?",
)
_NAME = re.compile(r"(?=.{1,253}\Z)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)*[a-z]([a-z0-9-]{0,61}[a-z0-9])?")
"""The last label begins with a letter: one that is a number, decimal, octal or hexadecimal, is an address to some."""
_USUAL = {"https": 443, "http": 80}


class TargetError(Exception):
    """A text is no address that webhooks can go to. The message is the rule that it breaks."""


class Target(msgspec.Struct, frozen=True):
    """An endpoint's address, taken apart. `host` is a name in lower case or an IP address without brackets."""

    scheme: Literal["https", "http"]
    host: str
    port: int
    target: str
    """The path with its query, as it is asked for."""

    @property
    def address(self) -> Address | None:
        """The IP address, where the host is one."""
        return read_address(self.host)

    @property
    def authority(self) -> str:
        """The header `Host`."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _USUAL[self.scheme] else f"{host}:{self.port}"


def read_target(url: str) -> Target:
    """Take an endpoint's URL apart. Raises TargetError."""
    if len(url) > MOST_CHARACTERS:
        raise TargetError(f"Expected at most {MOST_CHARACTERS} characters")
    found = _URL.fullmatch(url)
    if found is None:
        raise TargetError(
            "Expected https://host/path, in ASCII, without a user name, a fragment, or signs that need an escape"
        )
    scheme: Literal["https", "http"] = "https" if found["scheme"] == "https" else "http"
    port = int(found["port"] or _USUAL[scheme])
    if port > 65535:
        raise TargetError("Expected a port up to 65535")
    return Target(scheme, _host(found["host"]), port, found["target"] or "/")


def _host(text: str) -> str:
    host = text.lower()
    if host.startswith("["):
        address = read_address(host[1:-1])
        if address is None or address.version != 6:
            raise TargetError("Expected an IPv6 address in the brackets")
        return str(address)
    if _NAME.fullmatch(host):
        return host
    address = read_address(host)
    if address is None:
        raise TargetError("Expected a host's name, as DNS has it and without a dot at its end, or an IP address")
    return str(address)
