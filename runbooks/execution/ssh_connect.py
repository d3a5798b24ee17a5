"""One connection to one machine: reached, recognised by its pinned key, signed in to. Nothing but the Target decides:
no ~/.ssh, no agent, no ssh_config, no key of the worker's own user."""

import contextlib
import logging
import socket
from dataclasses import dataclass

import paramiko

from runbooks.domain.ports import SeenHostKey, Target
from runbooks.execution import ssh_keys

CONNECT_SECONDS = 10.0
BANNER_SECONDS = 15.0
HANDSHAKE_SECONDS = 15.0
SIGN_IN_SECONDS = 30.0  # a server that asks a slow directory
KEEPALIVE_SECONDS = 15
DEAD_AFTER_SECONDS = 30  # without an acknowledgement of what was sent

logging.getLogger("paramiko").setLevel(logging.CRITICAL)  # what goes wrong is told in a sentence, not in stack traces


class CannotConnect(Exception):
    """The machine could not be reached, recognised or signed in to; nothing was started."""

    def __init__(self, sentence: str, *, seen: SeenHostKey | None = None) -> None:
        super().__init__(sentence)
        self.seen = seen


@dataclass(frozen=True)
class Timeouts:
    connect: float = CONNECT_SECONDS
    banner: float = BANNER_SECONDS
    handshake: float = HANDSHAKE_SECONDS
    sign_in: float = SIGN_IN_SECONDS


class _Transport(paramiko.Transport):
    agreed_on_strict_kex: bool  # which the published types forget
    _active_check_timeout = 2.0  # an idle connection wakes up so often, not ten times a second


def connect(target: Target, *, via: paramiko.Transport | None, timeouts: Timeouts) -> paramiko.Transport:
    """Raises CannotConnect, with a sentence for people."""
    line = _line(target, via, timeouts.connect)
    try:
        transport = _Transport(line)
    except (OSError, paramiko.SSHException) as error:
        line.close()
        raise CannotConnect(f"{_named(target)} could not be reached: {error}.") from None
    try:
        _shake_hands(transport, target, timeouts)
        _recognise(transport, target)
        _sign_in(transport, target)
    except BaseException:
        hang_up(transport)
        raise
    transport.set_keepalive(KEEPALIVE_SECONDS)
    return transport


def hang_up(transport: paramiko.Transport) -> None:
    """Closes at once: the transport's thread need not time out first."""
    line = transport.sock
    if isinstance(line, socket.socket):
        with contextlib.suppress(OSError):  # it may be closed already
            line.shutdown(socket.SHUT_RDWR)
    transport.close()
    line.close()


def _named(target: Target) -> str:
    return f"{target.name} ({target.host}, port {target.port})"


def _line(target: Target, via: paramiko.Transport | None, seconds: float) -> socket.socket | paramiko.Channel:
    try:
        if via is not None:
            there, here = (target.host, target.port), ("127.0.0.1", 0)
            return via.open_channel("direct-tcpip", there, here, timeout=seconds)
        line = socket.create_connection((target.host, target.port), timeout=seconds)
    except socket.gaierror:
        raise CannotConnect(f'The host name "{target.host}" of {target.name} is not known.') from None
    except (OSError, EOFError, paramiko.SSHException) as error:
        raise CannotConnect(f"{_named(target)} could not be reached: {_words(error)}.") from None
    line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    line.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    line.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, DEAD_AFTER_SECONDS * 1000)
    return line


def _shake_hands(transport: _Transport, target: Target, timeouts: Timeouts) -> None:
    transport.banner_timeout = timeouts.banner
    transport.handshake_timeout = timeouts.handshake
    transport.auth_timeout = timeouts.sign_in
    options = transport.get_security_options()
    options.key_types = ssh_keys.wanted_first(target.host_keys, tuple(options.key_types))
    try:
        transport.start_client(timeout=timeouts.banner + timeouts.handshake)
    except (OSError, EOFError, paramiko.SSHException) as error:
        raise CannotConnect(f"{_named(target)} did not answer as an SSH server: {_words(error)}.") from None
    if not transport.agreed_on_strict_kex:
        raise CannotConnect(
            f"{_named(target)} does not offer strict key exchange, without which a connection can be tampered with "
            "while it begins (CVE-2023-48795). Its SSH server needs an update."
        )


def _recognise(transport: paramiko.Transport, target: Target) -> None:
    key = ssh_keys.shown(transport.get_remote_server_key())
    pinned = [ssh_keys.bare(line) for line in target.host_keys if line.strip()]
    if key in pinned:
        return
    kind, print_ = key.split()[0], ssh_keys.fingerprint(key)
    seen = SeenHostKey(name=target.name, host=target.host, port=target.port, key=key, fingerprint=print_)
    if not pinned:
        raise CannotConnect(
            f"{_named(target)} is not known yet: it showed the host key {kind} {print_}. Compare it with the one on "
            "the machine itself, then accept it.",
            seen=seen,
        )
    accepted = ", ".join(f"{line.split()[0]} {ssh_keys.fingerprint(line)}" for line in pinned)
    raise CannotConnect(
        f"{_named(target)} showed the host key {kind} {print_}, but accepted is {accepted}. Either the machine was set "
        "up anew, or this is another machine: find out which before you accept the new key.",
        seen=seen,
    )


def _sign_in(transport: paramiko.Transport, target: Target) -> None:
    means = "key" if target.private_key else "password"
    try:
        if target.private_key:
            missing = transport.auth_publickey(target.user, ssh_keys.private_key(target.private_key, target.password))
        elif target.password:
            missing = transport.auth_password(target.user, target.password)
        else:
            raise CannotConnect(f"There is neither a key nor a password for {target.user} on {_named(target)}.")
    except ssh_keys.UnusableKey as error:
        raise CannotConnect(f"The private key for {target.user} on {_named(target)} can't be used: {error}.") from None
    except paramiko.BadAuthenticationType as error:
        ways = ", ".join(error.allowed_types)
        raise CannotConnect(f"{_named(target)} lets {target.user} in by {ways} only, not by {means}.") from None
    except paramiko.AuthenticationException as error:
        said = "did not answer to" if "timeout" in str(error) else "refused"
        raise CannotConnect(f"{_named(target)} {said} the {means} of {target.user}.") from None
    except (OSError, EOFError, paramiko.SSHException) as error:
        raise CannotConnect(f"Signing in to {_named(target)} failed: {_words(error)}.") from None
    if missing:
        raise CannotConnect(f"{_named(target)} asks {target.user} for more than a {means}: {', '.join(missing)}.")


def _words(error: BaseException) -> str:
    if isinstance(error, TimeoutError):
        return "no answer in time"
    if isinstance(error, EOFError):
        return "it closed the connection"
    text = (getattr(error, "strerror", None) or str(error) or type(error).__name__).strip().rstrip(".")
    return text.splitlines()[0]
