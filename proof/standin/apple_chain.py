"""A chain of certificates as Apple's: a root, an authority for signers of the store, and a signer."""

from dataclasses import dataclass
from datetime import UTC, datetime

from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePrivateKey, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import (
    AuthorityKeyIdentifier,
    BasicConstraints,
    Certificate,
    CertificateBuilder,
    KeyUsage,
    Name,
    NameAttribute,
    ObjectIdentifier,
    SubjectKeyIdentifier,
    UnrecognizedExtension,
    random_serial_number,
)
from cryptography.x509.oid import NameOID

_AUTHORITY = "1.2.840.113635.100.6.2.1"
_SIGNER = "1.2.840.113635.100.6.11.1"
_BEGINS, _ENDS = datetime(2020, 1, 1, tzinfo=UTC), datetime(2049, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Chain:
    """Three certificates, and the key of the last one."""

    root: Certificate
    authority: Certificate
    signer: Certificate
    key: EllipticCurvePrivateKey

    @property
    def root_pem(self) -> str:
        """What a shop is given to trust."""
        return self.root.public_bytes(Encoding.PEM).decode()


def make_chain(marked: bool = True, signer_ends: datetime = _ENDS) -> Chain:
    """A chain of its own; without the `marked` extensions it is one of another service."""
    root_key, authority_key, key = (generate_private_key(SECP256R1()) for _ in range(3))
    root = _certificate("Root", root_key, "Root", root_key, None, True)
    authority = _certificate("Authority", authority_key, "Root", root_key, _AUTHORITY if marked else None, True)
    signer = _certificate("Signer", key, "Authority", authority_key, _SIGNER if marked else None, False, signer_ends)
    return Chain(root, authority, signer, key)


def _certificate(
    name: str,
    key: EllipticCurvePrivateKey,
    issuer: str,
    issuer_key: EllipticCurvePrivateKey,
    mark: str | None,
    authority: bool,
    ends: datetime = _ENDS,
) -> Certificate:
    builder = (
        CertificateBuilder()
        .subject_name(_named(name))
        .issuer_name(_named(issuer))
        .public_key(key.public_key())
        .serial_number(random_serial_number())
        .not_valid_before(_BEGINS)
        .not_valid_after(ends)
        .add_extension(BasicConstraints(ca=authority, path_length=None), critical=True)
        .add_extension(SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()), critical=False)
        .add_extension(_usage(authority), critical=True)
    )
    if mark is not None:
        builder = builder.add_extension(UnrecognizedExtension(ObjectIdentifier(mark), b"\x05\x00"), critical=False)
    return builder.sign(issuer_key, SHA256())


def _usage(authority: bool) -> KeyUsage:
    return KeyUsage(not authority, False, False, False, False, authority, authority, False, False)


def _named(name: str) -> Name:
    return Name([NameAttribute(NameOID.COMMON_NAME, f"Stand-in {name}")])
