"""Certificates that nobody vouches for but themselves, for servers on this machine."""

import ssl
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID


def self_signed(
    key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey, name: str, *, days: int = 1
) -> bytes:
    """A certificate of `name` in PEM, in force since a year ago until so many days from now."""
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=365))
        .not_valid_after(now + timedelta(days=days))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName([_host(name)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    return made.public_bytes(serialization.Encoding.PEM)


def _host(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(name))
    except ValueError:
        return x509.DNSName(name)


@dataclass(frozen=True)
class Host:
    """A server's name: its certificate in PEM, and a file of that and its key."""

    pem: str
    both: Path

    def serving(self) -> ssl.SSLContext:
        """What its server shows."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.both)
        return context

    def trusted(self) -> ssl.SSLContext:
        """For a client that trusts it, and nobody else."""
        return ssl.create_default_context(cadata=self.pem)


def host(name: str, folder: Path) -> Host:
    """Make up a host of this name; its file goes into `folder`."""
    key = ec.generate_private_key(ec.SECP256R1())
    pem, both = self_signed(key, name), folder / "both.pem"
    form, unlocked = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    both.write_bytes(pem + key.private_bytes(serialization.Encoding.PEM, form, unlocked))
    return Host(pem.decode(), both)
