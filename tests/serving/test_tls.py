"""The local authority: made once, its server certificate renewed when it nears its end or lacks a name."""

import ssl
from datetime import timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509

from lingdang.clock import system_clock
from lingdang.serving.tls import TlsError, context, local_certificate, own_certificate


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
    made = local_certificate(tmp_path, "localhost", now)
    authority, first = (tmp_path / "ca.pem").read_bytes(), made.chain.read_bytes()
    local_certificate(tmp_path, "other.example", now)
    second = made.chain.read_bytes()
    assert second != first
    local_certificate(tmp_path, "other.example", now + timedelta(days=370))
    assert made.chain.read_bytes() != second
    assert (tmp_path / "ca.pem").read_bytes() == authority
    context(made)


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
