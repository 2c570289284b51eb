"""The TLS that is offered: nothing recorded today is read with a key that is stolen tomorrow."""

from pathlib import Path

from lingdang.clock import system_clock
from lingdang.serving.tls import context, local_certificate


def test_every_cipher_has_forward_secrecy(tmp_path: Path) -> None:
    offered = context(local_certificate(tmp_path / "tls", "localhost", system_clock())).get_ciphers()
    assert len(offered) > 3
    for cipher in offered:
        assert cipher["protocol"] == "TLSv1.3" or cipher["kea"] in ("kx-ecdhe", "kx-dhe"), cipher["name"]
        assert cipher["strength_bits"] >= 128, cipher["name"]
        assert not any(weak in cipher["name"] for weak in ("RC4", "3DES", "MD5", "NULL", "SHA1")), cipher["name"]
        assert cipher["auth"] in ("auth-any", "auth-ecdsa", "auth-rsa"), cipher["name"]
