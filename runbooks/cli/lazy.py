"""A group that imports a command's module only when that command is typed: `opsaas --help` opens no network library."""

from importlib import import_module
from typing import Any

import typer
from typer.core import TyperGroup

from runbooks.cli.failures import Failure, usage
from runbooks.cli.options import prepare

# name -> (module under commands/, what it does); a module named as its command is a group of commands.
COMMANDS: dict[str, tuple[str, str]] = {
    "login": ("account", "Sign in with a token."),
    "logout": ("account", "Forget the token kept on this machine."),
    "whoami": ("account", "Show who you are to the server."),
    "runbook": ("runbook", "List, search and view runbooks."),
    "run": ("start", "Start a runbook, and follow it if you like."),
    "runs": ("runs", "List, view, follow, cancel and repeat runs."),
    "approvals": ("approvals", "List what waits for your yes; approve or deny it."),
    "can-i": ("can_i", "Ask whether you may do something, and why not."),
    "try": ("try_here", "Run a definition on this machine, without a server."),
    "lint": ("lint", "Check definitions on this machine against the published schema."),
    "schema": ("schema", "Print the JSON Schema of definitions."),
    "plan": ("sync", "Show what `apply` would change."),
    "apply": ("sync", "Send definitions to the server as drafts."),
    "pull": ("sync", "Fetch a runbook's definition."),
    "audit": ("audit", "Search the audit log, take it along, verify it."),
    "api": ("api", "Send any request to the API."),
    "completion": ("completion", "Print a script that completes commands in your shell."),
}
# Words of the documentation that this version does not know yet: better told than "no such command".
NOT_YET = frozenset({"who-can", "token"})
NOT_YET_BELOW: dict[str, frozenset[str]] = {}


def not_available(name: str) -> Exception:
    return usage(f"`opsaas {name}` is not available in this version.")


# Typer's own context and command classes are private, hence Any.
class LazyGroup(TyperGroup):
    def list_commands(self, ctx: Any) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        if cmd_name in NOT_YET:
            raise not_available(cmd_name)
        if cmd_name not in COMMANDS:
            return None
        if cmd_name not in self.commands:
            self.commands[cmd_name] = _load(cmd_name)
        return self.commands[cmd_name]

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, said) for name, (_, said) in COMMANDS.items()])


class GroupWithGaps(TyperGroup):
    """A group of commands, some of which come with a later version."""

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        if cmd_name in NOT_YET_BELOW.get(self.name or "", ()):
            raise not_available(f"{self.name} {cmd_name}")
        return super().get_command(ctx, cmd_name)


def _load(name: str) -> Any:
    module, said = COMMANDS[name]
    try:
        app: typer.Typer = import_module(f"runbooks.cli.commands.{module}").app
    except ModuleNotFoundError as error:
        raise Failure(f"`opsaas {name}` needs the Python package {error.name}, which is not installed.") from error
    group: Any = typer.main.get_group(app)
    command = group.commands.get(name, group)
    command.name = name
    command.help = command.help or said
    prepare(command)
    return command
