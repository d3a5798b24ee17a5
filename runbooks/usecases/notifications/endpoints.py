"""Where messages go is data: made, changed, tried and archived by who answers for the place. Secrets go in only."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction

from runbooks import outbox
from runbooks.access.actors import Actor
from runbooks.access.fetch import installation, require
from runbooks.access.held import Place
from runbooks.access.names import place_named
from runbooks.access.rights import may
from runbooks.audit.record import record
from runbooks.domain.names import require_slug, require_title
from runbooks.domain.problems import Invalid, Problem
from runbooks.domain.secrecy.sealing import seal
from runbooks.domain.signing import new_secret
from runbooks.models import Delivery, Endpoint, EndpointKind, EndpointSecret, Project, Runbook
from runbooks.models.ids import new_id
from runbooks.usecases.conflict import Conflict
from runbooks.usecases.notifications.compose import address_of
from runbooks.usecases.notifications.duty import in_person, may_tell, place_of, require_may_change
from runbooks.usecases.notifications.endpoint_form import address_problems, event_problems, secret_problems, way_to
from runbooks.usecases.secrets.keep import keyring

CREATED = "endpoint.created"
PAST_THE_FILTER = (
    "Apprise calls out by itself, past opsaas' own filter: only administrators say where to, for the installation."
)
OWN_KINDS = (EndpointKind.WEBHOOK, EndpointKind.SLACK)


def create_endpoint(
    *,
    actor: Actor,
    place: str,
    slug: str,
    title: str,
    kind: str,
    address: str,
    events: Sequence[str] = (),
    secret: str = "",
    now: datetime,
) -> tuple[Endpoint, str]:
    """PLACE is one of the API's names, or "me". Answers the signing secret too, where one was made: it is shown once.
    Raises Hidden, NotAllowed, Invalid, and Conflict: a slug is never used again at a place."""
    where = None if place == "me" else place_named(actor=actor, text=place, pointer="/place", action=CREATED, now=now)
    at = _at(actor, where, now=now)
    _require_sound(
        actor, where, slug=slug, title=title, kind=kind, address=address, events=events, secret=secret, now=now
    )
    made = new_secret() if kind == EndpointKind.WEBHOOK and not secret else ""
    way = way_to(kind=kind, address=address, secret=secret or made, of_person=where is None)
    try:
        with transaction.atomic():
            endpoint = Endpoint.objects.create(
                **at, slug=slug, title=title, kind=kind, address=way.address, events=list(events), created_by=actor.user
            )
            _seal(endpoint, way.secret)
            record(actor=actor, action=CREATED, thing=endpoint, details=_told(endpoint), now=now)
    except IntegrityError as error:
        raise Conflict(f"There is or was an endpoint “{slug}” here.", code="exists") from error
    return endpoint, made


def change_endpoint(
    *,
    actor: Actor,
    endpoint: Endpoint,
    title: str | None = None,
    events: Sequence[str] | None = None,
    address: str | None = None,
    secret: str | None = None,
    now: datetime,
) -> None:
    """What is None stays. Raises NotAllowed, Invalid, Conflict."""
    action = "endpoint.changed"
    require_may_change(actor=actor, endpoint=endpoint, action=action, now=now)
    title = endpoint.title if title is None else title
    require_title(title, pointer="/title")
    events = endpoint.events if events is None else list(events)
    of_person = bool(endpoint.person_id)
    problems = [*event_problems(events, of_person=of_person)]
    if address is not None:
        place = None if of_person else place_of(endpoint)
        problems += _apprise_problems(actor, place, kind=endpoint.kind, pointer="/address", now=now)
        problems += address_problems(kind=endpoint.kind, address=address, of_person=of_person)
    problems += [] if secret is None else secret_problems(kind=endpoint.kind, secret=secret)
    if problems:
        raise Invalid(problems)
    with transaction.atomic():
        locked = _locked(endpoint)
        locked.title, locked.events = title, events
        if address is not None:
            way = way_to(kind=endpoint.kind, address=address, secret=secret or "", of_person=of_person)
            locked.address, secret = way.address, way.secret
        locked.save(update_fields=["title", "events", "address"])
        _seal(locked, secret or "")
        details = {**_told(locked), "address_changed": address is not None, "secret_changed": bool(secret)}
        record(actor=actor, action=action, thing=locked, details=details, now=now)
    endpoint.title, endpoint.events, endpoint.address = locked.title, locked.events, locked.address


def archive_endpoint(*, actor: Actor, endpoint: Endpoint, now: datetime) -> None:
    """Destroys its secret; what still waited for it is given up. Raises NotAllowed and Conflict."""
    action = "endpoint.archived"
    require_may_change(actor=actor, endpoint=endpoint, action=action, now=now)
    with transaction.atomic():
        Endpoint.objects.filter(pk=_locked(endpoint).pk).update(archived_at=now)
        EndpointSecret.objects.filter(endpoint=endpoint).delete()
        record(actor=actor, action=action, thing=endpoint, now=now)
    endpoint.archived_at = now


def try_endpoint(*, actor: Actor, endpoint: Endpoint, now: datetime) -> Delivery:
    """A message that says that it is a test; the log of deliveries tells what became of it."""
    action = "endpoint.tried"
    require_may_change(actor=actor, endpoint=endpoint, action=action, now=now)
    if endpoint.kind == EndpointKind.PEOPLE:
        raise Conflict("People are told when something happens: there is no address to try.", code="no_address")
    sentence = f"{actor.name} tries the endpoint {endpoint.slug}"
    with transaction.atomic():
        _locked(endpoint)
        made = Delivery.objects.create(
            occasion=f"test:{new_id()}",
            event="test",
            endpoint=endpoint,
            recipient=endpoint.person,
            runbook=endpoint.runbook,
            project=endpoint.runbook.project if endpoint.runbook else endpoint.project,
            channel=endpoint.kind,
            address=endpoint.shown_address[:300],
            subject=f"[opsaas] {sentence}",
            text=f"{sentence}. Nothing else happened.\n",
            link=address_of("", "", ""),
            facts=_facts_of_test(actor, endpoint, now=now),
            next_attempt_at=now,
        )
        record(actor=actor, action=action, thing=endpoint, details={"delivery": str(made.pk)}, now=now)
        outbox.hint_deliveries()
    return made


def _facts_of_test(actor: Actor, endpoint: Endpoint, *, now: datetime) -> dict[str, Any]:
    what = {"type": "endpoint", "id": str(endpoint.pk), "name": endpoint.slug}
    data = {"event": "test", "who": actor.name, "what": what, "outcome": "done", "reason": ""}
    return {"type": "endpoint.test", "timestamp": now.isoformat().replace("+00:00", "Z"), "data": data}


def _at(actor: Actor, where: Place | None, *, now: datetime) -> dict[str, Any]:
    if where is None:
        require(in_person(actor), action=CREATED, thing=actor.user)
        return {"person": actor.user}
    require(may_tell(actor=actor, place=where, now=now), action=CREATED, thing=where)
    if isinstance(where, Project):
        return {"project": where}
    if isinstance(where, Runbook):
        return {"runbook": where}
    if where != installation():
        detail = "Messages are about the installation, a project or a runbook."
        raise Invalid([Problem("/place", "invalid_place", detail)])
    return {}


def _require_sound(
    actor: Actor,
    where: Place | None,
    *,
    slug: str,
    title: str,
    kind: str,
    address: str,
    events: Sequence[str],
    secret: str,
    now: datetime,
) -> None:
    require_slug(slug, pointer="/slug")
    require_title(title, pointer="/title")
    if kind not in list(EndpointKind):
        raise Invalid([Problem("/kind", "unknown_kind", f"There are {', '.join(EndpointKind)}.")])
    problems = [*event_problems(events, of_person=where is None)]
    if where is None and kind not in OWN_KINDS:
        problems.append(Problem("/kind", "not_applicable", "Your own way is a webhook or a Slack-compatible one."))
    problems += _apprise_problems(actor, where, kind=kind, pointer="/kind", now=now)
    problems += address_problems(kind=kind, address=address, of_person=where is None)
    problems += secret_problems(kind=kind, secret=secret)
    if problems:
        raise Invalid(problems)


def _apprise_problems(
    actor: Actor, where: Place | None, *, kind: str, pointer: str, now: datetime
) -> Iterator[Problem]:
    if kind == EndpointKind.APPRISE and not _administers(actor, where, now=now):
        yield Problem(pointer, "not_applicable", PAST_THE_FILTER)


def _administers(actor: Actor, where: Place | None, *, now: datetime) -> bool:
    return where == installation() and bool(may(actor=actor, right="administer", place=installation(), now=now))


def _seal(endpoint: Endpoint, secret: str) -> None:
    if not secret:
        return
    row = EndpointSecret(endpoint=endpoint)
    sealed = seal(secret, context=row.context, keyring=keyring())
    kept = {"key_id": sealed.key_id, "wrapped_key": sealed.wrapped_key, "content": sealed.content}
    EndpointSecret.objects.update_or_create(endpoint=endpoint, defaults=kept)


def _told(endpoint: Endpoint) -> dict[str, object]:
    return {
        "kind": endpoint.kind,
        "address": endpoint.shown_address,
        "events": endpoint.events,
        "title": endpoint.title,
    }


def _locked(endpoint: Endpoint) -> Endpoint:
    locked = Endpoint.objects.select_for_update(of=("self",)).get(pk=endpoint.pk)
    if locked.archived_at:
        raise Conflict("This endpoint is archived. Make another.", code="archived")
    return locked
