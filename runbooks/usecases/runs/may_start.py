"""Whether somebody may start a runbook now, before it is known with which values: rights, state, limits, guardrails."""

from datetime import datetime

from runbooks.access.actors import Actor
from runbooks.access.fetch import Hidden, installation, require
from runbooks.access.rights import judged, rights_on
from runbooks.domain.policy import start_of
from runbooks.domain.states import VersionState
from runbooks.models import Runbook, Version
from runbooks.models.prepared import Prepared
from runbooks.usecases.grants.cover import Wanted
from runbooks.usecases.guardrails.at_start import covered, guarded
from runbooks.usecases.runs.calls import Called
from runbooks.usecases.secrets.vouch import vouched
from runbooks.usecases.versions.binding import binding_definition

PUBLISHED = Prepared(
    lambda runbook: Version.objects.filter(runbook=runbook, state=VersionState.PUBLISHED), Runbook._meta.pk
)


def may_start(
    *,
    actor: Actor,
    runbook: Runbook,
    number: int | None,
    now: datetime,
    called: Called | None = None,
    breaks_glass: bool = False,
) -> Version:
    """The version that would run. BREAKS_GLASS: what that passes refuses nothing. Raises NotAllowed and Hidden."""
    held = rights_on(actor=actor, place=runbook, now=now)
    require(judged(actor=actor, right="run", held=held, place=runbook), action="run.requested", thing=runbook)
    version = called.version if called else chosen_version(runbook=runbook, number=number)
    house = installation()
    decision = start_of(
        accepts_runs=house.accepts_runs,
        archived=bool(runbook.archived_at or runbook.project.archived_at),
        state=VersionState(version.state) if version else None,
        by_default=number is None or called is not None,
        holds_review="review" in held,
    )
    require(decision, action="run.requested", thing=runbook)
    assert version is not None
    definition = binding_definition(version)
    covered(actor=actor, runbook=runbook, wanted=Wanted(breaks_glass=breaks_glass), now=now)
    guarded(actor=actor, runbook=runbook, definition=definition, house=house, breaks_glass=breaks_glass, now=now)
    secrets = vouched(version=version, paths=definition.secrets.values(), now=now)
    require(secrets, action="run.requested", thing=runbook)
    return version


def chosen_version(*, runbook: Runbook, number: int | None) -> Version | None:
    """The published version, or the one of that number. Raises Hidden where there is none of that number."""
    if number is None:
        published = PUBLISHED.first(runbook.pk)
        if published:
            published.runbook = runbook
        return published
    found = runbook.versions.filter(number=number).first()
    if found is None:
        raise Hidden(action="run.requested", kind="version", name=f"{runbook.path} v{number}")
    return found
