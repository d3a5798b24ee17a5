"""What import-linter can't see of the rules of the house. Each failure names the place and the rule."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
NOT_OURS_TO_SHAPE = ("runbooks/migrations/", "runbooks/assets/", "runbooks/static/", "runbooks/demo/procedures/")
FILE_LINES = 300
FUNCTION_LINES = 40
EXCEPTION = "# size: "  # with a reason, among the first lines of a file that has to be larger

ONLY_HERE = {
    "admin": ("django.contrib.admin", ()),
    "celery": ("celery", ("runbooks/outbox.py", "runbooks/tasks.py", "opsaas/celery.py")),
    "executors": (
        "runbooks.execution",
        (
            "runbooks/execution/",
            "runbooks/worker.py",
            "runbooks/checks.py",
            "runbooks/management/",
            "runbooks/cli/commands/try_here.py",
        ),
    ),
    "guardian": ("guardian", ("runbooks/access/", "runbooks/models/grants.py")),
    "notifiers": ("runbooks.notifications", ("runbooks/notifications/", "runbooks/tasks.py", "runbooks/management/")),
    "outposts": ("runbooks.outposts", ("runbooks/outposts/", "runbooks/management/", "opsaas/env.py")),
    "paramiko": ("paramiko", ("runbooks/execution/",)),
    "signal receivers": ("django.dispatch", ()),
    "model signals": ("django.db.models.signals", ()),
    "subprocess": ("subprocess", ("runbooks/execution/", "runbooks/management/embedded/")),
}


@dataclass(frozen=True)
class Source:
    name: str

    @cached_property
    def text(self) -> str:
        return (ROOT / self.name).read_text()

    @cached_property
    def nodes(self) -> list[ast.AST]:
        return list(ast.walk(ast.parse(self.text)))

    @property
    def imports(self) -> Iterator[tuple[str, int]]:
        """The dotted names that are imported, with their lines; `from a import b` counts as a and as a.b."""
        for node in self.nodes:
            if isinstance(node, ast.Import):
                yield from ((alias.name, node.lineno) for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                yield (node.module or "", node.lineno)
                yield from ((f"{node.module}.{alias.name}", node.lineno) for alias in node.names)

    @property
    def functions(self) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
        return (node for node in self.nodes if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))

    @property
    def excused(self) -> bool:
        """Somebody said why it has to be larger."""
        return any(
            line.startswith(EXCEPTION) and len(line) > len(EXCEPTION) + 10 for line in self.text.splitlines()[:10]
        )


def _sources() -> list[Source]:
    listing = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "opsaas/*.py", "runbooks/*.py"]
    found = subprocess.run(listing, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    return [Source(name) for name in found if not name.startswith(NOT_OURS_TO_SHAPE) and (ROOT / name).is_file()]


SOURCES = _sources()
MODELS = [source for source in SOURCES if source.name.startswith("runbooks/models/")]
DOMAIN = [source for source in SOURCES if source.name.startswith("runbooks/domain/")]


def _within(name: str, package: str) -> bool:
    return name == package or name.startswith(package + ".")


def test_the_sources_are_found() -> None:
    assert {"runbooks/__init__.py", "runbooks/domain/states.py"} <= {source.name for source in SOURCES}


def test_files_are_short_or_say_why_not() -> None:
    sizes = {source.name: source.text.count("\n") for source in SOURCES if not source.excused}
    assert {name: size for name, size in sizes.items() if size > FILE_LINES} == {}


def test_functions_are_short_or_their_file_says_why_not() -> None:
    long = [
        f"{source.name}:{function.lineno} {function.name}"
        for source in SOURCES
        if not source.excused
        for function in source.functions
        if (function.end_lineno or 0) - function.lineno >= FUNCTION_LINES
    ]
    assert long == []


@pytest.mark.parametrize(("package", "rooms"), ONLY_HERE.values(), ids=ONLY_HERE.keys())
def test_a_tool_is_imported_only_in_its_room(package: str, rooms: tuple[str, ...]) -> None:
    strays = [
        f"{source.name}:{line} imports {name}"
        for source in SOURCES
        if not source.name.startswith(rooms)
        for name, line in source.imports
        if _within(name, package)
    ]
    assert strays == []


def test_imports_stand_at_the_top_of_the_file() -> None:
    hidden = [
        f"{source.name}:{node.lineno}"
        for source in SOURCES
        for function in source.functions
        for node in ast.walk(function)
        if isinstance(node, ast.Import | ast.ImportFrom)
    ]
    assert hidden == []


def test_the_command_line_knows_nothing_of_the_server_but_the_verifier_and_for_a_try_what_needs_no_server() -> None:
    known = ("runbooks.cli", "runbooks.audit.verifier")
    for_a_try = ("runbooks.domain", "runbooks.execution")
    trying = ("runbooks/cli/trying/", "runbooks/cli/commands/try_here.py")
    strays = [
        f"{source.name}:{line} imports {name}"
        for source in SOURCES
        if source.name.startswith("runbooks/cli/")
        for name, line in source.imports
        if _within(name, "runbooks") or _within(name, "opsaas") or _within(name, "django")
        if not any(_within(name, package) for package in known) and name != "runbooks.audit"
        if not (source.name.startswith(trying) and any(_within(name, package) for package in for_a_try))
    ]
    assert strays == []


def test_the_verifier_needs_the_standard_library_and_cryptography_only() -> None:
    strays = [
        f"{source.name}:{line} imports {name}"
        for source in SOURCES
        if source.name == "runbooks/audit/verifier.py"
        for name, line in source.imports
        if name.partition(".")[0] not in sys.stdlib_module_names | {"cryptography"}
    ]
    assert strays == []


def test_packages_that_anyone_may_enter_run_no_code() -> None:
    entrances = ("runbooks/__init__.py", "runbooks/audit/__init__.py")
    assert [source.name for source in SOURCES if source.name in entrances and source.text.strip()] == []


def test_models_have_no_side_effects_on_save() -> None:
    overrides = [
        f"{source.name}:{function.lineno}"
        for source in MODELS
        for function in source.functions
        if function.name in {"save", "delete"}
    ]
    assert overrides == []


def test_the_domain_is_told_the_time() -> None:
    clocks = {"now", "utcnow", "today", "time", "monotonic"}
    calls = [
        f"{source.name}:{node.lineno}"
        for source in DOMAIN
        for node in source.nodes
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in clocks
    ]
    assert calls == []
