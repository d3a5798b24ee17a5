"""`manage.py check --deploy`, where the machine decides."""

from functools import partial

import pytest

from runbooks import checks
from runbooks.execution.local import LocalExecutor
from runbooks.execution.recipes import HOST


def test_a_machine_that_cannot_contain_scripts_is_warned_about(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "LocalExecutor", partial(LocalExecutor, recipes=(HOST,)))
    found = [message for message in checks.production(None) if message.id == "opsaas.W002"]
    assert len(found) == 1
    assert "docs/containment.md" in str(found[0].hint)
