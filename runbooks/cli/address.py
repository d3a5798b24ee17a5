"""Which addresses a token may be sent to."""

import ipaddress
from urllib.parse import urlsplit

from runbooks.cli.failures import usage


def checked_url(url: str, *, insecure_http: bool) -> str:
    """URL in its one spelling. A token never travels unencrypted, except inside this machine or when told so."""
    url = url.strip()
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise usage("The address of opsaas cannot be read. Write it like https://opsaas.example.com.") from None
    if parts.scheme not in ("https", "http") or not parts.hostname:
        raise usage("The address of opsaas must begin with https:// (or http:// for this machine) and name a host.")
    if parts.username is not None or parts.query or parts.fragment:
        raise usage("The address of opsaas must hold no name, password, ? or #. Tokens come from `opsaas login`.")
    if parts.scheme == "http" and not (insecure_http or is_loopback(parts.hostname)):
        raise usage(
            f"http://{parts.hostname} would send your token unencrypted. Use https://, or --insecure-http if the way "
            "there is safe."
        )
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return f"{parts.scheme}://{host}{f':{port}' if port else ''}{parts.path.rstrip('/')}"


def is_loopback(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
