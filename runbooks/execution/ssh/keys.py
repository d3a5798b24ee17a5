"""Keys of machines and of accounts: what is pinned, what was shown, what signs in."""

import base64
import hashlib
import io

import paramiko
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

_RSA_SIGNATURES = ("rsa-sha2-512", "rsa-sha2-256")  # those with SHA-1 are not offered


class UnusableKey(Exception):
    """A private key that can't be read."""


def bare(line: str) -> str:
    """Type and key of a line as ssh-keyscan or a .pub file has it, without comment."""
    return " ".join(line.split()[:2])


def fingerprint(line: str) -> str:
    """As `ssh-keygen -l` shows it."""
    digest = hashlib.sha256(base64.b64decode(line.split()[1])).digest()
    return "SHA256:" + base64.b64encode(digest).decode().rstrip("=")


def shown(key: paramiko.PKey) -> str:
    return f"{key.get_name()} {key.get_base64()}"


def wanted_first(pinned: tuple[str, ...], offered: tuple[str, ...]) -> tuple[str, ...]:
    """The order in which to ask for host keys: a machine has several, and shows the one that is asked for first."""
    kinds = {line.split()[0] for line in pinned if line.split()}
    if "ssh-rsa" in kinds:
        kinds.update(_RSA_SIGNATURES)
    return tuple(sorted(offered, key=lambda algorithm: algorithm not in kinds))


def private_key(text: str, password: str) -> paramiko.PKey:
    """Reads a key in OpenSSH or PEM form. The password is the key's own, if it has one."""
    try:
        key = _load(text.strip().encode() + b"\n", password.encode() or None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise UnusableKey(_why(str(error))) from None
    kind = _class_of(key)
    plain = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH, serialization.NoEncryption()
    )
    return kind.from_private_key(io.StringIO(plain.decode()))


_PrivateKey = ed25519.Ed25519PrivateKey | ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey


def _load(data: bytes, password: bytes | None) -> _PrivateKey:
    load = serialization.load_ssh_private_key if b"OPENSSH PRIVATE KEY" in data else serialization.load_pem_private_key
    try:
        key = load(data, password)
    except TypeError:
        if password is None:
            raise
        key = load(data, None)  # the password is the account's: the key has none
    if not isinstance(key, ed25519.Ed25519PrivateKey | ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey):
        raise TypeError("keys of this kind are not supported")
    return key


def _class_of(key: _PrivateKey) -> type[paramiko.PKey]:
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return paramiko.Ed25519Key
    return paramiko.ECDSAKey if isinstance(key, ec.EllipticCurvePrivateKey) else paramiko.RSAKey


def _why(complaint: str) -> str:
    if "assword" in complaint or "ncrypted" in complaint or "Corrupt" in complaint:
        return "it is protected by a password, and that is missing or wrong"
    return "it is no private key in OpenSSH or PEM form, or of a kind that is not supported"
