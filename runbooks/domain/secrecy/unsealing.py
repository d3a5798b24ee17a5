"""Opening a sealed value. Only what a worker is made of may import this: a contract in pyproject.toml holds it."""

from runbooks.domain.secrecy.sealing import Keyring, Sealed, decrypted, unwrap


def unseal(sealed: Sealed, *, context: str, keyring: Keyring) -> str:
    """Raises CannotOpen where the master key is missing, or the value was changed or moved."""
    data_key = unwrap(sealed, context=context, keyring=keyring)
    return decrypted(data_key, sealed.content, f"value of {context}").decode()
