"""What a contained script sees of the machine's files, read-only, beside its own folder.

Programs and their data; of /etc only what ordinary programs need and everybody may know. Nothing else: no /root, /home,
/var, /run, /opt, /srv, no socket, no other run's folder.
"""

import os

FOLDER, FILE, LINK = "folder", "file", "link"
Sight = tuple[str, str, str]  # one of these; where it really is, or where the link leads; by which path it is known

PROGRAMS = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/nix/store", "/gnu/store")
CONFIGURATION = (
    # names of hosts, and how they are looked up
    "resolv.conf", "hosts", "nsswitch.conf", "host.conf", "gai.conf", "hostname", "networks", "services", "protocols",
    "rpc", "ethertypes",
    # certificates
    "ssl", "pki", "ca-certificates", "ca-certificates.conf", "crypto-policies",
    # names of people, time, language
    "passwd", "group", "localtime", "timezone", "locale.alias", "locale.conf", "default/locale",
    # what programs and interpreters read as they start
    "ld.so.cache", "ld.so.conf", "ld.so.conf.d", "alternatives", "os-release", "debian_version", "redhat-release",
    "bash.bashrc", "inputrc", "terminfo", "perl", "python3", "python3.11", "python3.12", "python3.13", "php", "ruby",
    "java-17-openjdk", "java-21-openjdk", "fonts", "magic", "magic.mime", "mime.types", "xattr.conf", "shells",
    "ssh/ssh_config", "ssh/ssh_config.d", "ssh/ssh_known_hosts", "krb5.conf", "ldap/ldap.conf", "iproute2",
)  # fmt: skip
PRIVATE = ("ssl/private", "pki/tls/private", "pki/private")  # keys: a group of the worker may be allowed to read them


def sights(sees: tuple[str, ...]) -> list[Sight]:
    """All that is shown, looked up on this machine."""
    names = (*PROGRAMS, *sees, *(f"/etc/{name}" for name in CONFIGURATION))
    return [sight for path in names if (sight := _look(path)) is not None]


def shows(path: str, *, sees: tuple[str, ...]) -> bool:
    """Whether a program of the machine can be reached by this path without leaving what is shown."""
    return all(_within(name, (*PROGRAMS, *sees)) for name in (path, os.path.realpath(path)))


def _look(path: str) -> Sight | None:
    """None if it is not there. A link is kept where it leads to something that is shown as well."""
    source = os.path.realpath(path)
    if os.path.islink(path) and _within(source, PROGRAMS):
        return LINK, os.readlink(path), path
    if os.path.isdir(source):
        return FOLDER, source, path
    return (FILE, source, path) if os.path.isfile(source) else None


def _within(path: str, places: tuple[str, ...]) -> bool:
    return any(path == place or path.startswith(place.rstrip("/") + "/") for place in places)
