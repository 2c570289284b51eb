"""What commands are given of servers elsewhere: addresses, and words to show."""

from ipaddress import ip_address

import httpx

from lingdang.errors import CommandError


def read_url(text: str, what: str) -> httpx.URL:
    """A web address. Raises CommandError, in which `what` says of what, with an example."""
    try:
        url = httpx.URL(text)
    except httpx.InvalidURL:
        url = httpx.URL()
    if url.scheme not in ("http", "https") or not url.host:
        raise CommandError(f"{one_line(text)} is no address {what}, say")
    return url


def is_this_machine(url: httpx.URL) -> bool:
    """Whether what is sent there stays on this machine."""
    if url.host == "localhost":
        return True
    try:
        return ip_address(url.host).is_loopback
    except ValueError:
        return False


def one_line(text: str, most: int = 200) -> str:
    """Its beginning, on one line and without what a terminal obeys."""
    return "".join(letter if letter.isprintable() else " " for letter in text[:most]).strip()
