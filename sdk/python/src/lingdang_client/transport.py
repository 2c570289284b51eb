"""What both clients need of httpx: trust, addresses, and one exception for everything that is no answer."""

import ipaddress
import ssl
from pathlib import Path

import httpx

from lingdang_client.effects import Response
from lingdang_client.errors import Unreachable, UntrustedServer


def checked_url(url: str, plain_http: bool) -> str:
    """The server's address. Raises ValueError when it would send secrets over plain HTTP to another machine."""
    parsed = httpx.URL(url)
    if parsed.scheme == "https" or (parsed.scheme == "http" and (plain_http or _is_loopback(parsed.host))):
        return url
    raise ValueError(f"{url}: only https, plain http to this machine, or to any with plain_http=True")


def trust(ca: str | Path | None) -> ssl.SSLContext | bool:
    """What a server's certificate must lead to: the authority in the PEM file `ca`, or those known to httpx.

    Raises OSError when the file cannot be read, ssl.SSLError when it holds no certificate.
    """
    if ca is None:
        return True
    return ssl.create_default_context(cadata=Path(ca).read_text(encoding="ascii", errors="replace"))


def answered(response: httpx.Response) -> Response:
    """An answer as the operations see it."""
    return Response(response.status_code, dict(response.headers), response.content)


def unreachable(error: httpx.RequestError) -> Unreachable:
    """Why no answer came."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return UntrustedServer(f"the server's certificate is not trusted: {cause.verify_message}")
        cause = cause.__cause__ or cause.__context__
    return Unreachable(f"{type(error).__name__}: {error}".rstrip(": "))


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
