"""HTTPS: a certificate authority of the data directory's own, made once, and the server's certificate from it.

Clients that trust the authority trust it for the names that it serves and for no other: its certificate is constrained
to them, so that whoever gets hold of `ca.key` can pass for this server and nobody else.
"""

import os
import socket
import ssl
from datetime import datetime, timedelta
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from pathlib import Path

import msgspec
import structlog
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from lingdang.errors import CommandError

_AUTHORITY_DAYS = 3650
_SERVER_DAYS = 397
"""The longest life that browsers accept of a server's certificate."""
_RENEW_DAYS = 30
_CIPHERS = "ECDHE+AESGCM:ECDHE+CHACHA20"
"""Of TLS 1.2; the interpreter's own list is another in each build. All of TLS 1.3's have forward secrecy."""
_LEEWAY = timedelta(hours=1)
"""Certificates begin a little earlier, for clients whose clocks are behind."""
_LOOPBACK = (ip_network("127.0.0.0/8"), ip_network("::1/128"))

_REMEDY = (
    "who has ca.key can sign for any site: move ca.pem and ca.key away, start again, have clients trust the new one"
)
_TRUST = "clients must trust the new ca.pem"

_log = structlog.get_logger(__name__)


class TlsError(CommandError):
    """The certificate or its key cannot be used. The message names the file."""


class Certificate(msgspec.Struct, frozen=True):
    """Where the server's certificate chain, its key and, for the local authority, `ca.pem` are."""

    chain: Path
    key: Path
    authority: Path | None


def own_certificate(chain: str, key: str) -> Certificate:
    """The operator's own certificate. Raises TlsError when it cannot be loaded."""
    certificate = Certificate(Path(chain).expanduser(), Path(key).expanduser(), None)
    context(certificate)
    return certificate


def local_certificate(directory: Path, host: str, now: datetime) -> Certificate:
    """The local authority's certificate for this machine, made or renewed when needed. Raises TlsError."""
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    names = _names(host)
    made = Certificate(directory / "server.pem", directory / "server.key", directory / "ca.pem")
    try:
        server = _server(made)
        authority, authority_key = _authority(directory, names, now)
        if server is None or not _serves(server, authority, names, now):
            _issue(made, authority, authority_key, names, now)
    except (OSError, ValueError, TypeError) as error:
        raise TlsError(f"{directory}: {error}; move the files away to have new ones made") from None
    context(made)
    return made


def context(certificate: Certificate) -> ssl.SSLContext:
    """The server's TLS context: TLS 1.2 and newer, forward secrecy in all of it. Raises TlsError."""
    result = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    result.minimum_version = ssl.TLSVersion.TLSv1_2
    result.set_ciphers(_CIPHERS)
    try:
        result.load_cert_chain(certificate.chain, certificate.key)
    except (OSError, ssl.SSLError) as error:
        raise TlsError(f"{certificate.chain}, {certificate.key}: {error.strerror or error}") from None
    return result


def _names(host: str) -> set[str]:
    names = {"localhost", "127.0.0.1", "::1", socket.gethostname().lower()}
    return names | ({_plain(host)} if host not in ("0.0.0.0", "::", "") else set())  # noqa: S104 - compared, not bound


def _plain(name: str) -> str:
    """A name or an address in its one spelling."""
    address = _address(name)
    return name.lower() if address is None else str(address)


def _address(name: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(name)
    except ValueError:
        return None


def _authority(directory: Path, names: set[str], now: datetime) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
    """The authority that is there, if it lasts and may sign for these names; else a new one for clients to trust."""
    certificate_file, key_file = directory / "ca.pem", directory / "ca.key"
    if not (certificate_file.exists() and key_file.exists()):
        return _make_authority(certificate_file, key_file, _subtrees(names, []), now)
    found, key = x509.load_pem_x509_certificate(certificate_file.read_bytes()), _load_key(key_file)
    allowed = _constraints(found)
    if allowed is None:
        # Clients trust it already: an authority that is exchanged unasked would lock them out.
        _log.warning("authority_unconstrained", file=str(certificate_file), remedy=_REMEDY)
    missing = [] if allowed is None else [name for name in sorted(names) if not _permits(allowed, name)]
    if not missing and found.not_valid_after_utc > now + timedelta(days=_SERVER_DAYS):
        return found, key
    _log.warning("authority_replaced", file=str(certificate_file), names=missing, remedy=_TRUST)
    return _make_authority(certificate_file, key_file, _subtrees(names, allowed or []), now)


def _make_authority(
    certificate_file: Path, key_file: Path, permitted: list[x509.GeneralName], now: datetime
) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"Lingdang local authority {os.urandom(4).hex()}")])
    made = (
        _certificate(name, name, key.public_key(), now, _AUTHORITY_DAYS)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs_certificates=True), critical=True)
        .add_extension(x509.NameConstraints(permitted, excluded_subtrees=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, SHA256())
    )
    _write(key_file, _key_bytes(key), 0o600)
    _write(certificate_file, made.public_bytes(Encoding.PEM), 0o644)
    return made, key


def _constraints(authority: x509.Certificate) -> list[x509.GeneralName] | None:
    """What an authority may sign for; None: everything, as those of before."""
    try:
        found = authority.extensions.get_extension_for_class(x509.NameConstraints).value
    except x509.ExtensionNotFound:
        return None
    return list(found.permitted_subtrees or ())


def _subtrees(names: set[str], allowed: list[x509.GeneralName]) -> list[x509.GeneralName]:
    """All that was allowed, loopback, and these names."""
    subtrees = [*allowed, *(x509.IPAddress(network) for network in _LOOPBACK if x509.IPAddress(network) not in allowed)]
    for name in sorted(names):
        if not _permits(subtrees, name):
            address = _address(name)
            subtrees.append(x509.DNSName(name) if address is None else x509.IPAddress(ip_network(address)))
    return subtrees


def _permits(subtrees: list[x509.GeneralName], name: str) -> bool:
    address = _address(name)
    if address is not None:
        return any(isinstance(tree, x509.IPAddress) and address in tree.value for tree in subtrees)  # type: ignore[operator]
    return any(
        isinstance(tree, x509.DNSName) and (name == tree.value or name.endswith(f".{tree.value}")) for tree in subtrees
    )


def _server(made: Certificate) -> x509.Certificate | None:
    """The server's certificate that is there."""
    if not (made.chain.exists() and made.key.exists()):
        return None
    return x509.load_pem_x509_certificate(made.chain.read_bytes())


def _serves(server: x509.Certificate, authority: x509.Certificate, names: set[str], now: datetime) -> bool:
    """Whether the server's certificate is the authority's, lasts, and has all the names."""
    alternatives = server.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    listed = {str(name.value) for name in alternatives}
    lasts = server.not_valid_after_utc > now + timedelta(days=_RENEW_DAYS)
    return lasts and server.issuer == authority.subject and names <= listed


def _issue(
    made: Certificate,
    authority: x509.Certificate,
    authority_key: ec.EllipticCurvePrivateKey,
    names: set[str],
    now: datetime,
) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Lingdang")])
    alternatives = [_alternative(name) for name in sorted(names)]
    certificate = (
        _certificate(subject, authority.subject, key.public_key(), now, _SERVER_DAYS)
        .add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(authority_key.public_key()), critical=False)
        .sign(authority_key, SHA256())
    )
    _write(made.key, _key_bytes(key), 0o600)
    _write(made.chain, certificate.public_bytes(Encoding.PEM), 0o644)


def _certificate(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, now: datetime, days: int
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _LEEWAY)
        .not_valid_after(now - _LEEWAY + timedelta(days=days))
    )


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _alternative(name: str) -> x509.GeneralName:
    address = _address(name)
    return x509.DNSName(name) if address is None else x509.IPAddress(address)


def _load_key(path: Path) -> ec.EllipticCurvePrivateKey:
    key = load_pem_private_key(path.read_bytes(), None)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise TypeError(f"{path.name} is not an EC key")
    return key


def _key_bytes(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def _write(path: Path, content: bytes, mode: int) -> None:
    """Write a file whole, never readable by more than `mode` allows."""
    temporary = path.with_suffix(path.suffix + ".new")
    temporary.unlink(missing_ok=True)
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
