"""The address that people open."""

import errno
import socket

HOST = "127.0.0.1"


class AddressError(Exception):
    """The address can't be had; the message says why and what to do."""


def listen(port: int) -> socket.socket:
    """Takes the port before anything is started; web inherits it, and every web after a restart."""
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    # Connections inherit it. Uvicorn takes an inherited socket for a Unix one and would leave it out: each answer
    # then waits 40 ms for an acknowledgement.
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    try:
        listening.bind((HOST, port))
        listening.listen(1024)
    except (OSError, OverflowError) as error:
        listening.close()
        raise AddressError(_why(port, error)) from error
    listening.set_inheritable(True)
    return listening


def _why(port: int, error: OSError | OverflowError) -> str:
    if isinstance(error, OSError) and error.errno == errno.EADDRINUSE:
        reason = "it is taken by another program"
    else:
        reason = (isinstance(error, OSError) and error.strerror) or "there is no such port"
    return f"Port {port} can't be used: {reason}. Choose another one, such as: OPSAAS_PORT=8001 make run"
