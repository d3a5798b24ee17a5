"""The runbooks that a run will run as steps: whether whoever asks may run them, and which versions these are.

All of them are looked up and frozen before anything starts, those within others too; each is checked again when it
starts.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from runbooks.access.actors import Actor
from runbooks.access.fetch import RUNBOOK_AT, NotAllowed, installation
from runbooks.access.rights import judged, rights_on
from runbooks.domain.calls import MOST_CALLS, MOST_DEPTH, Call, PlannedCall, inner_of
from runbooks.domain.definition import Definition, Risk
from runbooks.domain.parameters import ParameterType
from runbooks.domain.policy import Decision, start_of, unless, words
from runbooks.domain.states import VersionState
from runbooks.models import Runbook, StepRun, Version
from runbooks.usecases.secrets.vouch import vouched
from runbooks.usecases.versions.binding import binding_definition
from runbooks.usecases.versions.draft import definition_of

Planned = Mapping[str, PlannedCall]
WAS_PUBLISHED = {VersionState.PUBLISHED, VersionState.SUPERSEDED}


@dataclass(frozen=True)
class Called:
    """A run that is to be a step of another."""

    step_run: StepRun
    version: Version
    calls: Planned  # as they were frozen with the run that it is a step of


@dataclass(frozen=True)
class Frozen:
    """All that a run will run as steps."""

    planned: Planned = field(default_factory=dict)  # by "step" and "step/its step"
    high_risk: str = ""  # path of one among them that asks for a reason


@dataclass(frozen=True)
class _Found:
    place: str  # "step/its step"
    planned: PlannedCall
    definition: Definition


def frozen_calls(*, actor: Actor, version: Version, now: datetime, fixed: Planned | None = None) -> Frozen:
    """FIXED are those of an earlier run, to be the same again. Raises NotAllowed."""
    definition = definition_of(version)
    if not definition.calls:
        return Frozen()
    look = _Look(actor=actor, runbook=version.runbook, now=now)
    found = []
    for one in look.within(definition, above=(version.runbook.path,), fixed=fixed):
        found.append(one)
        if len(found) > MOST_CALLS:
            raise look.refused(f"It would run more than {MOST_CALLS} other runbooks.")
    high_risk = next((one.planned.runbook for one in found if one.definition.risk is Risk.HIGH), "")
    return Frozen({one.place: one.planned for one in found}, high_risk)


@dataclass(frozen=True)
class _Look:
    actor: Actor
    runbook: Runbook  # that is asked for
    now: datetime

    def within(self, definition: Definition, *, above: tuple[str, ...], fixed: Planned | None) -> Iterator[_Found]:
        for step, call in definition.calls.items():
            if call.path in above:
                circle = " runs ".join([*above[above.index(call.path) :], call.path])
                raise self.refused(f"It would never come to an end: {circle}.")
            if len(above) > MOST_DEPTH:
                raise self.refused(f"Runbooks run each other more than {MOST_DEPTH} deep: {' runs '.join(above)}.")
            version = self._version(call, step=step, fixed=fixed)
            planned = PlannedCall(runbook=call.path, number=version.number, version=version.hash)
            inside = binding_definition(version)
            yield _Found(place=step, planned=planned, definition=inside)
            deeper = None if fixed is None else inner_of(step, fixed)
            for one in self.within(inside, above=(*above, call.path), fixed=deeper):
                yield _Found(f"{step}/{one.place}", one.planned, one.definition)

    def refused(self, *reasons: str) -> NotAllowed:
        return NotAllowed(action="run.requested", thing=self.runbook, reasons=reasons)

    def _version(self, call: Call, *, step: str, fixed: Planned | None) -> Version:
        runbook = RUNBOOK_AT.first(*call.path.split("/"))
        held = rights_on(actor=self.actor, place=runbook, now=self.now) if runbook else set()
        if runbook is None or "view" not in held:
            raise self.refused(f"Its step “{step}” runs {call.path}: there is none, or you may not see it.")
        allowed = judged(actor=self.actor, right="run", held=held, place=runbook)
        version = _chosen(runbook=runbook, call=call, fixed=fixed.get(step) if fixed is not None else None)
        decision = allowed & self._fit(runbook, version, call=call)
        if not decision or version is None:
            raise self.refused(*(f"Its step “{step}” runs {call.path}. {reason}" for reason in decision.reasons))
        return version

    def _fit(self, runbook: Runbook, version: Version | None, *, call: Call) -> Decision:
        archived = bool(runbook.archived_at or runbook.project.archived_at)
        state = VersionState(version.state) if version else None
        fit = start_of(
            accepts_runs=installation().accepts_runs,
            archived=archived,
            state=state,
            by_default=True,
            holds_review=False,
        )
        if version is None or state is None:
            return fit
        definition = definition_of(version)
        secrets = vouched(version=version, paths=definition.secrets.values(), now=self.now)
        return fit & _was_published(version, state) & secrets & _takes(definition, call)


def _chosen(*, runbook: Runbook, call: Call, fixed: PlannedCall | None) -> Version | None:
    """The published one, or that of the number that the definition or an earlier plan names."""
    versions = Version.objects.select_related("runbook__project").filter(runbook=runbook)
    if fixed is not None:
        return versions.filter(number=fixed.number, hash=fixed.version).first()
    if call.number is not None:
        return versions.filter(number=call.number).first()
    return versions.filter(state=VersionState.PUBLISHED).first()


def _was_published(version: Version, state: VersionState) -> Decision:
    """Who pins an older version has been reviewed doing so; what nobody ever published they can't pin."""
    return unless(
        None if state in WAS_PUBLISHED else f"Version {version.number} of it was never published: it is {words(state)}."
    )


def _takes(definition: Definition, call: Call) -> Decision:
    given = {*call.literals, *call.sources}
    unknown = sorted(given - {parameter.name for parameter in definition.parameters})
    needed = [one for one in definition.parameters if one.required and one.default is None and one.name not in given]
    secret = [one.name for one in definition.parameters if one.type is ParameterType.SECRET and one.name in given]
    secret += [one.name for one in needed if one.type is ParameterType.SECRET]
    missing = [one.name for one in needed if one.name not in secret]
    return unless(
        f"It has no parameter {', '.join(unknown)}." if unknown else None,
        f"It needs a value for {', '.join(missing)}, which the step does not give." if missing else None,
        f"It asks for the secret value {', '.join(secret)}, which a step can't hand on." if secret else None,
    )
