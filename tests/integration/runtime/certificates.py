"""Certificates for tests: an authority, and what it issues."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


@dataclass(frozen=True, slots=True)
class Certified:
    """A certificate and its key."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    def write(self, directory: Path, name: str) -> None:
        """Write them as ``name.pem`` and ``name.key``."""
        pem = serialization.Encoding.PEM
        (directory / f"{name}.pem").write_bytes(self.certificate.public_bytes(pem))
        plain = serialization.NoEncryption()
        key = self.key.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain)
        (directory / f"{name}.key").write_bytes(key)


class Authority:
    """Vouches for whatever it is asked to."""

    def __init__(self, name: str) -> None:
        key = ec.generate_private_key(ec.SECP256R1())
        self._self = Certified(_sign(_name(name), key, _name(name), key, authority=True), key)

    def write(self, directory: Path, name: str) -> None:
        """Write its certificate."""
        self._self.write(directory, name)

    def issue(self, name: str) -> Certified:
        """A certificate for an account, or for the host of this name."""
        key = ec.generate_private_key(ec.SECP256R1())
        issuer = self._self
        return Certified(_sign(_name(name), key, issuer.certificate.subject, issuer.key, authority=False), key)


def _name(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _sign(
    subject: x509.Name,
    key: ec.EllipticCurvePrivateKey,
    issuer: x509.Name,
    issuer_key: ec.EllipticCurvePrivateKey,
    *,
    authority: bool,
) -> x509.Certificate:
    now = datetime.now(UTC)
    common_name = str(subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(common_name)]), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()), critical=False)
        .sign(issuer_key, hashes.SHA256())
    )
