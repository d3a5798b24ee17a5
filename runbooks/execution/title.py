"""Names in `ps` for processes that are forked by the thousand."""

from collections.abc import Callable
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType


def _load() -> Callable[[str], None]:
    """The C half of setproctitle alone.

    Its Python half imports logging, and with it threading, whose fork hooks cost 0.7 ms in every fork: two per script.
    """
    package = PathFinder.find_spec("setproctitle")
    if package is None:
        raise ModuleNotFoundError("No module named 'setproctitle'")
    return _execute(PathFinder.find_spec("_setproctitle", package.submodule_search_locations)).setproctitle  # type: ignore[no-any-return]


def _execute(spec: ModuleSpec | None) -> ModuleType:
    if spec is None or spec.loader is None:
        raise ModuleNotFoundError("setproctitle was installed without its compiled part")
    module = spec.loader.create_module(spec)
    if module is None:
        raise ImportError("the compiled part of setproctitle is not what it used to be")
    spec.loader.exec_module(module)
    return module


set_title = _load()
