"""The local authority: made once, its server certificate renewed when it nears its end or lacks a name."""

import ssl
import subprocess
from datetime import timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key
from structlog.testing import capture_logs

from lingdang.clock import system_clock
from lingdang.serving import tls
from lingdang.serving.tls import Certificate, TlsError, context, local_certificate, own_certificate


def _read(path: Path) -> x509.Certificate:
    return x509.load_pem_x509_certificate(path.read_bytes())


def test_authority_is_made_once_and_signs_for_this_machine(tmp_path: Path) -> None:
    now = system_clock()
    made = local_certificate(tmp_path, "shop.example", now)
    authority = _read(tmp_path / "ca.pem")
    server = _read(made.chain)
    server.verify_directly_issued_by(authority)
    names = server.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert {"localhost", "shop.example"} <= set(names.get_values_for_type(x509.DNSName))
    addresses = names.get_values_for_type(x509.IPAddress)
    assert {ip_address("127.0.0.1"), ip_address("::1")} <= set(addresses)
    assert context(made).minimum_version == ssl.TLSVersion.TLSv1_2
    before = (made.chain.read_bytes(), (tmp_path / "ca.pem").read_bytes())
    local_certificate(tmp_path, "shop.example", now)
    assert (made.chain.read_bytes(), (tmp_path / "ca.pem").read_bytes()) == before


def test_server_certificate_is_renewed_and_the_authority_stays(tmp_path: Path) -> None:
    now = system_clock()
    made = local_certificate(tmp_path, "shop.example", now)
    authority, first = (tmp_path / "ca.pem").read_bytes(), made.chain.read_bytes()
    for host in ("localhost", "0.0.0.0", "www.shop.example", "127.0.0.2", "shop.example"):
        local_certificate(tmp_path, host, now)
    local_certificate(tmp_path, "shop.example", now + timedelta(days=370))
    assert made.chain.read_bytes() != first
    assert (tmp_path / "ca.pem").read_bytes() == authority
    context(made)


@pytest.mark.parametrize("host", ["other.example", "192.0.2.7", "2001:db8::7"])
def test_a_name_that_the_authority_may_not_sign_for_makes_a_new_one_for_both(tmp_path: Path, host: str) -> None:
    now = system_clock()
    local_certificate(tmp_path, "shop.example", now)
    first = (tmp_path / "ca.pem").read_bytes()
    with capture_logs() as logs:
        made = local_certificate(tmp_path, host, now)
    second = (tmp_path / "ca.pem").read_bytes()
    assert second != first
    assert [(entry["event"], entry["names"]) for entry in logs] == [("authority_replaced", [host])]
    _read(made.chain).verify_directly_issued_by(_read(tmp_path / "ca.pem"))
    local_certificate(tmp_path, "shop.example", now)
    assert (tmp_path / "ca.pem").read_bytes() == second


NAMES = ("localhost", "127.0.0.1", "::1", "shop.example", "192.0.2.7")


@pytest.fixture
def authority(tmp_path: Path) -> Path:
    """The directory of an authority that serves NAMES."""
    for host in ("shop.example", "192.0.2.7"):
        local_certificate(tmp_path, host, system_clock())
    return tmp_path


@pytest.mark.parametrize("name", NAMES)
def test_clients_take_every_name_that_it_serves(authority: Path, name: str) -> None:
    chain = local_certificate(authority, name, system_clock())
    assert _verified_by_openssl(authority, chain.chain, name) == ""
    assert _handshake(chain, authority / "ca.pem", name) == ""


@pytest.mark.parametrize(
    "name", ["evil.example", "example", "xlocalhost", "192.0.2.8", "2001:db8::7", "shop.example.evil"]
)
def test_no_client_takes_another_name_from_it(authority: Path, name: str) -> None:
    """Whoever has `ca.key` signs for another site: the certificate is sound but for the constraint."""
    forged = _forged(authority, name)
    assert "permitted subtree violation" in _verified_by_openssl(authority, forged.chain, name)
    assert "permitted subtree violation" in _handshake(forged, authority / "ca.pem", name)


def test_the_constraint_is_critical(authority: Path) -> None:
    assert _read(authority / "ca.pem").extensions.get_extension_for_class(x509.NameConstraints).critical


def test_an_authority_of_before_stays_and_is_warned_of(tmp_path: Path) -> None:
    now = system_clock()
    local_certificate(tmp_path, "localhost", now)
    key = load_pem_private_key((tmp_path / "ca.key").read_bytes(), None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    _write_certificate(tmp_path / "ca.pem", _unconstrained(_read(tmp_path / "ca.pem"), key))
    before = (tmp_path / "ca.pem").read_bytes()
    with capture_logs() as logs:
        made = local_certificate(tmp_path, "other.example", now)
    assert (tmp_path / "ca.pem").read_bytes() == before
    assert [entry["event"] for entry in logs] == ["authority_unconstrained"]
    assert _handshake(made, tmp_path / "ca.pem", "other.example") == ""


def _verified_by_openssl(authority: Path, chain: Path, name: str) -> str:
    """What `openssl verify` has against a certificate; nothing when it takes it."""
    option = "-verify_ip" if ":" in name or name[0].isdigit() else "-verify_hostname"
    command = ["openssl", "verify", "-x509_strict", "-CAfile", str(authority / "ca.pem"), option, name, str(chain)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return "" if done.returncode == 0 else done.stdout + done.stderr


def _handshake(certificate: Certificate, trusted: Path, name: str) -> str:
    """What Python's client has against a server of this certificate; nothing when it takes it."""
    client = ssl.create_default_context(cafile=str(trusted))
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    server_side = context(certificate).wrap_bio(to_server, to_client, server_side=True)
    client_side = client.wrap_bio(to_client, to_server, server_hostname=name)
    for _ in range(4):
        for side in (client_side, server_side):
            try:
                side.do_handshake()
            except ssl.SSLWantReadError:
                continue
            except ssl.SSLCertVerificationError as error:
                return error.verify_message
    return ""


def _forged(authority: Path, name: str) -> Certificate:
    key = load_pem_private_key((authority / "ca.key").read_bytes(), None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    issuer = _read(authority / "ca.pem")
    forged = Certificate(authority / "forged.pem", authority / "forged.key", None)
    tls._issue(forged, issuer, key, {name}, system_clock())
    return forged


def _unconstrained(found: x509.Certificate, key: ec.EllipticCurvePrivateKey) -> x509.Certificate:
    """The same authority as it was made before there were constraints."""
    builder = (
        x509.CertificateBuilder()
        .subject_name(found.subject)
        .issuer_name(found.issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(found.not_valid_before_utc)
        .not_valid_after(found.not_valid_after_utc)
    )
    for extension in found.extensions:
        if not isinstance(extension.value, x509.NameConstraints):
            builder = builder.add_extension(extension.value, extension.critical)
    return builder.sign(key, SHA256())


def _write_certificate(path: Path, certificate: x509.Certificate) -> None:
    path.write_bytes(certificate.public_bytes(Encoding.PEM))


@pytest.mark.parametrize("name", ["ca.key", "ca.pem", "server.pem"])
def test_damaged_file_is_named_and_nothing_is_replaced(tmp_path: Path, name: str) -> None:
    now = system_clock()
    local_certificate(tmp_path, "localhost", now)
    (tmp_path / name).write_text("not a PEM file")
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    with pytest.raises(TlsError, match="move the files away"):
        local_certificate(tmp_path, "new.example", now)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_own_certificate_must_fit_its_key(tmp_path: Path) -> None:
    now = system_clock()
    one = local_certificate(tmp_path / "one", "localhost", now)
    two = local_certificate(tmp_path / "two", "localhost", now)
    assert own_certificate(str(one.chain), str(one.key)).authority is None
    with pytest.raises(TlsError, match="two"):
        own_certificate(str(one.chain), str(two.key))
    with pytest.raises(TlsError, match="absent"):
        own_certificate(str(tmp_path / "absent.pem"), str(one.key))
