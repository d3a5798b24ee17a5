"""What a step gets of the run's secrets, and what has to be masked in all that it leaves."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from runbooks.domain.definition import Step
from runbooks.domain.plan import Plan
from runbooks.domain.ports import NoSecret, Secrets


@dataclass(frozen=True, repr=False)
class Delivery:
    environment: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)
    given: Mapping[str, str] = field(default_factory=dict)  # by parameter
    masks: tuple[str, ...] = ()


def deliver(*, run_id: str, plan: Plan, step: Step, secrets: Secrets) -> Delivery:
    """The step gets its own secrets; those of the run's other steps are masked all the same, since what one step leaves
    behind another may print. Raises NoSecret for one that the step itself needs."""
    own = {use.name: plan.secrets[f"{step.id}.{use.name}"] for use in step.secrets}
    paths = sorted(set(plan.paths.values()))
    given = secrets.given(run_id, plan.seals) if plan.seals else {}
    values = {path: _read(secrets, path, needed=path in own.values()) for path in paths}
    return Delivery(
        environment={use.name: values[own[use.name]] for use in step.secrets if not use.as_file},
        files={use.name: values[own[use.name]] for use in step.secrets if use.as_file},
        given=given,
        masks=(*given.values(), *(value for value in values.values() if value)),
    )


def _read(secrets: Secrets, path: str, *, needed: bool) -> str:
    try:
        return secrets.read(path)
    except NoSecret:
        if needed:
            raise
        return ""
