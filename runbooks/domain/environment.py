"""How parameter values reach a script: as environment variables, never as script text or arguments."""

import json
import re
from collections.abc import Mapping

from runbooks.domain.ports import JsonValue

# Linux takes no environment string above 128 KiB; larger values are in the parameters file only.
LARGEST_VARIABLE_BYTES = 100 * 1024

VARIABLE = re.compile(r"[A-Z_][A-Z0-9_]{0,63}")
# What opsaas sets, and what would make an interpreter or the loader run or read something else.
RESERVED = (
    "PATH HOME TMPDIR LANG TRACEPARENT ENV BASH_ENV BASHOPTS SHELLOPTS IFS PS4 PROMPT_COMMAND CDPATH GLOBIGNORE"
    " GCONV_PATH GLIBC_TUNABLES LOCPATH NLSPATH MALLOC_TRACE HOSTALIASES NODE_OPTIONS NODE_PATH PERL5OPT PERL5LIB"
    " PERL5DB PERLLIB RUBYOPT RUBYLIB JAVA_TOOL_OPTIONS _JAVA_OPTIONS JDK_JAVA_OPTIONS PHPRC PHP_INI_SCAN_DIR LUA_INIT"
    " GIT_SSH GIT_SSH_COMMAND GIT_EXTERNAL_DIFF GIT_PROXY_COMMAND GIT_ASKPASS GIT_EXEC_PATH GIT_EDITOR GIT_PAGER"
    " SSH_ASKPASS OPENSSL_CONF OPENSSL_ENGINES OPENSSL_MODULES SSLKEYLOGFILE NODE_EXTRA_CA_CERTS"
    " NODE_REPL_EXTERNAL_MODULE LUA_PATH LUA_CPATH AWKPATH AWKLIBPATH CLASSPATH RUBYSHELL GEM_PATH GEM_HOME"
    " BUNDLE_GEMFILE TCLLIBPATH R_PROFILE R_ENVIRON PERL5SHELL PAGER EDITOR VISUAL BROWSER LESSOPEN LESSCLOSE MANPAGER"
    " SHELL ZDOTDIR FPATH INPUTRC PWD OLDPWD SHLVL PPID UID EUID RES_OPTIONS LOCALDOMAIN TZDIR TERMINFO TERMCAP"
)
RESERVED_BEGINNINGS = ("OPSAAS_", "LD_", "DYLD_", "LC_", "PYTHON", "BASH_", "GIT_CONFIG")


def is_reserved(name: str) -> bool:
    return name in RESERVED.split() or name.startswith(RESERVED_BEGINNINGS)


def render(value: JsonValue) -> str | None:
    """The text of one value: strings as they are, the lines of a list of them, all else as JSON. None stands for "leave
    the variable out"."""
    if value is None:
        return None
    if isinstance(value, str):
        return value
    if isinstance(value, list) and all(isinstance(one, str) for one in value):
        return "\n".join(value)
    return json.dumps(value, ensure_ascii=False)


def parameter_variables(values: Mapping[str, JsonValue], *, paths: Mapping[str, str] | None = None) -> dict[str, str]:
    """`OPSAAS_PARAM_<NAME>` for each value that is set and small enough; PATHS are those of the files, by parameter."""
    rendered = {f"OPSAAS_PARAM_{name.upper()}": render(value) for name, value in {**values, **(paths or {})}.items()}
    return {name: text for name, text in rendered.items() if text is not None and _fits(text)}


def parameter_document(values: Mapping[str, JsonValue], *, paths: Mapping[str, str] | None = None) -> str:
    """All values as JSON; a file is an object that also says where it lies."""
    told = {name: {**_described(values.get(name)), "path": path} for name, path in (paths or {}).items()}
    return json.dumps({**values, **told}, ensure_ascii=False)


def _described(value: JsonValue) -> Mapping[str, JsonValue]:
    return value if isinstance(value, dict) else {}


def _fits(text: str) -> bool:
    return len(text.encode()) <= LARGEST_VARIABLE_BYTES
