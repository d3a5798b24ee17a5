import math
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.demo.running import run

FINE, FINDING = 0, 1
MakeCertificate = Callable[..., Path]


@pytest.fixture
def make_certificate(tmp_path: Path) -> MakeCertificate:
    """Writes a certificate and its key into one file."""

    def make(*, days: float, since: float = -400, name: str = "localhost") -> Path:
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        now = datetime.now(UTC)
        certificate = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(subject)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now + timedelta(days=since))
            .not_valid_after(now + timedelta(days=days))
            .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
            .sign(key, hashes.SHA256())
        )
        encoding = serialization.Encoding.PEM
        plain = serialization.NoEncryption()
        secret = key.private_bytes(encoding, serialization.PrivateFormat.PKCS8, plain)
        path = tmp_path / f"{days}.pem"
        path.write_bytes(secret + certificate.public_bytes(encoding))
        return path

    return make


@contextmanager
def tls_server(pem: Path) -> Iterator[int]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=_serve, args=(listener, context))
        thread.start()
        yield listener.getsockname()[1]
        listener.shutdown(socket.SHUT_RDWR)  # wakes accept()
        thread.join()


def _serve(listener: socket.socket, context: ssl.SSLContext) -> None:
    while True:
        try:
            connection, _ = listener.accept()
        except OSError:
            return
        try:
            with context.wrap_socket(connection, server_side=True) as conversation:
                conversation.recv(1)
        except OSError:
            pass  # a client that does not trust us hangs up


@pytest.mark.parametrize(
    ("days", "exit_code", "piece"),
    [
        (90.5, FINE, "good for 90 days"),
        (5.5, FINDING, "expires in 5 days"),
        (-3.5, FINDING, "expired 4 days ago"),
    ],
)
def test_a_server_is_judged_by_its_certificate(
    make_certificate: MakeCertificate, tmp_path: Path, days: float, exit_code: int, piece: str
) -> None:
    with tls_server(make_certificate(days=days)) as port:
        (result,) = run("tls-certificate-expiry", tmp_path, target=f"127.0.0.1:{port}", server_name="localhost")
    assert (result.exit_code, piece in result.output) == (exit_code, True), result.output
    assert result.outputs["days_left"] == str(math.floor(days))
    assert result.outputs["trusted"] == "no"
    assert "::warning::This machine does not trust the certificate" in result.output


def test_an_untrusted_server_is_a_finding_where_trust_is_asked_for(
    make_certificate: MakeCertificate, tmp_path: Path
) -> None:
    with tls_server(make_certificate(days=90)) as port:
        (result,) = run("tls-certificate-expiry", tmp_path, target=f"127.0.0.1:{port}", must_be_trusted=True)
    assert result.exit_code == FINDING


def test_the_worst_certificate_of_a_file_decides_and_its_key_stays_secret(
    make_certificate: MakeCertificate, tmp_path: Path
) -> None:
    bundle = tmp_path / "bundle.pem"
    parts = [make_certificate(days=days, name=f"host-{days}|*") for days in (400, 10)]
    bundle.write_bytes(b"".join(part.read_bytes() for part in parts))
    (result,) = run("tls-certificate-expiry", tmp_path, target=bundle)
    assert result.exit_code == FINDING
    assert (result.outputs["days_left"], result.outputs["subject"]) == ("9", "host-10|*")
    assert "host-10\\|\\*" in result.summary
    assert "PRIVATE" not in result.output + result.summary


def test_a_certificate_of_tomorrow_is_a_finding(make_certificate: MakeCertificate, tmp_path: Path) -> None:
    (result,) = run("tls-certificate-expiry", tmp_path, target=make_certificate(days=90, since=1))
    assert result.exit_code == FINDING
    assert "not valid before" in result.output


def test_a_mangled_certificate_is_not_guessed_at(make_certificate: MakeCertificate, tmp_path: Path) -> None:
    path = make_certificate(days=90)
    text = path.read_text().splitlines()
    path.write_text("\n".join(text[:-6] + text[-3:]))
    (result,) = run("tls-certificate-expiry", tmp_path, target=path)
    assert result.exit_code == 2, result.output
    assert "Traceback" not in result.output
