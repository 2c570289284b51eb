"""Where an issuer's keys are: OpenID Connect Discovery 1.0, sections 4 and 7."""

import msgspec


class DiscoveryError(Exception):
    """The issuer's document cannot be used. The message says why."""


class _Document(msgspec.Struct, frozen=True):
    issuer: str
    jwks_uri: str


def discovery_url(issuer: str) -> str:
    """Where the issuer's document is. One `/` at the issuer's end is its own and not doubled."""
    return issuer.removesuffix("/") + "/.well-known/openid-configuration"


def jwks_url_in(body: bytes, issuer: str) -> str:
    """The URL of the issuer's keys. Raises DiscoveryError unless the document is this very issuer's.

    The keys of an issuer with https are taken over https alone.
    """
    try:
        document = msgspec.json.decode(body, type=_Document)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise DiscoveryError(f"{discovery_url(issuer)} is no discovery document: {error}") from None
    if document.issuer != issuer:
        raise DiscoveryError(f"{discovery_url(issuer)} is of the issuer {document.issuer}, not of {issuer}")
    accepted = ("https://",) if issuer.startswith("https://") else ("https://", "http://")
    if not document.jwks_uri.startswith(accepted):
        raise DiscoveryError(f"jwks_uri is {document.jwks_uri}, which is not {' or '.join(accepted)}…")
    return document.jwks_uri
