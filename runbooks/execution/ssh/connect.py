"""One connection to one machine: reached, recognised by its pinned key, signed in to. Nothing but the Target decides:
no ~/.ssh, no agent, no ssh_config, no key of the worker's own user."""

import contextlib
import logging
import socket
from dataclasses import dataclass

import paramiko

from runbooks.domain.ports import SeenHostKey, Target
from runbooks.execution.ssh import keys as ssh_keys
from runbooks.execution.ssh.line import CannotConnect, named, open_line, words

CONNECT_SECONDS = 10.0
BANNER_SECONDS = 15.0
HANDSHAKE_SECONDS = 15.0
SIGN_IN_SECONDS = 30.0  # a server that asks a slow directory
KEEPALIVE_SECONDS = 15

logging.getLogger("paramiko").setLevel(logging.CRITICAL)  # what goes wrong is told in a sentence, not in stack traces


@dataclass(frozen=True)
class Timeouts:
    connect: float = CONNECT_SECONDS
    banner: float = BANNER_SECONDS
    handshake: float = HANDSHAKE_SECONDS
    sign_in: float = SIGN_IN_SECONDS


# Then what the server said follows: nobody's concern, who may have named any machine.
_OF_ANOTHER_KIND = ("Indecipherable protocol version", "Incompatible version", "Invalid SSH banner")


class _Transport(paramiko.Transport):
    agreed_on_strict_kex: bool  # which the published types forget
    _active_check_timeout = 2.0  # an idle connection wakes up so often, not ten times a second


def connect(target: Target, *, via: paramiko.Transport | None, timeouts: Timeouts) -> paramiko.Transport:
    """Raises CannotConnect, with a sentence for people."""
    transport = _begun(target, via, timeouts)
    try:
        _shake_hands(transport, target, timeouts)
        _recognise(transport, target)
        _sign_in(transport, target)
    except BaseException:
        hang_up(transport)
        raise
    transport.set_keepalive(KEEPALIVE_SECONDS)
    return transport


def shown_key(target: Target, *, via: paramiko.Transport | None, timeouts: Timeouts) -> SeenHostKey:
    """The key that the machine shows, without a sign-in and whether it is pinned or not. Raises CannotConnect."""
    transport = _begun(target, via, timeouts)
    try:
        _shake_hands(transport, target, timeouts)
        return _seen(transport, target)
    finally:
        hang_up(transport)


def hang_up(transport: paramiko.Transport) -> None:
    """Closes at once: the transport's thread need not time out first."""
    line = transport.sock
    if isinstance(line, socket.socket):
        with contextlib.suppress(OSError):  # it may be closed already
            line.shutdown(socket.SHUT_RDWR)
    transport.close()
    line.close()


def _begun(target: Target, via: paramiko.Transport | None, timeouts: Timeouts) -> _Transport:
    line = open_line(target, via, timeouts.connect)
    try:
        return _Transport(line)
    except (OSError, paramiko.SSHException) as error:
        line.close()
        raise CannotConnect(f"{named(target)} could not be reached: {error}.") from None


def _shake_hands(transport: _Transport, target: Target, timeouts: Timeouts) -> None:
    transport.banner_timeout = timeouts.banner
    transport.handshake_timeout = timeouts.handshake
    transport.auth_timeout = timeouts.sign_in
    options = transport.get_security_options()
    options.key_types = ssh_keys.wanted_first(target.host_keys, tuple(options.key_types))
    try:
        transport.start_client(timeout=timeouts.banner + timeouts.handshake)
    except (OSError, EOFError, paramiko.SSHException) as error:
        other = any(clue in str(error) for clue in _OF_ANOTHER_KIND)
        said = "it speaks something else" if other else words(error)
        raise CannotConnect(f"{named(target)} did not answer as an SSH server: {said}.") from None
    if not transport.agreed_on_strict_kex:
        raise CannotConnect(
            f"{named(target)} does not offer strict key exchange, without which a connection can be tampered with "
            "while it begins (CVE-2023-48795). Its SSH server needs an update."
        )


def _recognise(transport: paramiko.Transport, target: Target) -> None:
    seen = _seen(transport, target)
    pinned = [ssh_keys.bare(line) for line in target.host_keys if line.strip()]
    if seen.key in pinned:
        return
    kind, print_ = seen.key.split()[0], seen.fingerprint
    if not pinned:
        raise CannotConnect(
            f"{named(target)} is not known yet: it showed the host key {kind} {print_}. Compare it with the one on "
            "the machine itself, then accept it.",
            seen=seen,
        )
    accepted = ", ".join(f"{line.split()[0]} {ssh_keys.fingerprint(line)}" for line in pinned)
    raise CannotConnect(
        f"{named(target)} showed the host key {kind} {print_}, but accepted is {accepted}. Either the machine was set "
        "up anew, or this is another machine: find out which before you accept the new key.",
        seen=seen,
    )


def _seen(transport: paramiko.Transport, target: Target) -> SeenHostKey:
    key = ssh_keys.shown(transport.get_remote_server_key())
    print_ = ssh_keys.fingerprint(key)
    return SeenHostKey(name=target.name, host=target.host, port=target.port, key=key, fingerprint=print_)


def _sign_in(transport: paramiko.Transport, target: Target) -> None:
    means = "key" if target.private_key else "password"
    try:
        if target.private_key:
            missing = transport.auth_publickey(target.user, ssh_keys.private_key(target.private_key, target.password))
        elif target.password:
            missing = transport.auth_password(target.user, target.password)
        else:
            raise CannotConnect(f"There is neither a key nor a password for {target.user} on {named(target)}.")
    except ssh_keys.UnusableKey as error:
        raise CannotConnect(f"The private key for {target.user} on {named(target)} can't be used: {error}.") from None
    except paramiko.BadAuthenticationType as error:
        ways = ", ".join(error.allowed_types)
        raise CannotConnect(f"{named(target)} lets {target.user} in by {ways} only, not by {means}.") from None
    except paramiko.AuthenticationException as error:
        said = "did not answer to" if "timeout" in str(error) else "refused"
        raise CannotConnect(f"{named(target)} {said} the {means} of {target.user}.") from None
    except (OSError, EOFError, paramiko.SSHException) as error:
        raise CannotConnect(f"Signing in to {named(target)} failed: {words(error)}.") from None
    if missing:
        raise CannotConnect(f"{named(target)} asks {target.user} for more than a {means}: {', '.join(missing)}.")
