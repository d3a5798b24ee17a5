"""A small world for tests: the fixed cast, a project, and short ways to the things that tests are about."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.test import Client
from django.utils import timezone

from runbooks.access.actors import Actor, by_session, by_token
from runbooks.access.fetch import installation
from runbooks.access.held import Place
from runbooks.domain.ports import Executor, Lease, Notifier, Outcome, OutcomeKind, OutputSink, Secrets, Work
from runbooks.domain.rights import ROLES
from runbooks.execution.linux import boottime
from runbooks.live.append import StepKey
from runbooks.live.sink import Flusher
from runbooks.models import Endpoint, Group, Membership, Project, Run, Runbook, Secret, User, UserKind, Version
from runbooks.notifications.email import EmailNotifier
from runbooks.usecases.grants.grant import write_grant
from runbooks.usecases.notifications.announce_use import announce_uses
from runbooks.usecases.notifications.deliver import deliver_due
from runbooks.usecases.notifications.endpoints import create_endpoint
from runbooks.usecases.people.tokens import issue
from runbooks.usecases.runs.execute import execute
from runbooks.usecases.runs.leases import HeldLease
from runbooks.usecases.runs.start import Request, start
from runbooks.usecases.secrets.create import create_secret
from runbooks.usecases.secrets.read import StoredSecrets
from runbooks.usecases.versions.draft import draft
from runbooks.usecases.versions.publish import publish
from runbooks.usecases.versions.review import review
from runbooks.usecases.versions.submit import submit

PROJECT = "payments"
PEOPLE = ("admin", "owner", "owner2", "author", "runner", "auditor", "stranger")
ROLE_OF = {"owner": "owner", "owner2": "owner", "author": "author", "runner": "runner", "auditor": "auditor"}
PASSWORD = "correct horse battery staple"


def definition(slug: str = "hello", script: str = "echo hello", **spec: Any) -> dict[str, Any]:
    """A runbook of one shell step, as clients send it. SPEC adds to or replaces fields of `spec`."""
    step = {"id": "main", "interpreter": ["sh"], "script": script, "timeout": "60s"}
    return {
        "apiVersion": "opsaas/v1",
        "kind": "Runbook",
        "metadata": {"project": PROJECT, "slug": slug, "title": slug.replace("-", " ").capitalize()},
        "doc": f"## Meaning\n\nWhat {slug} is for.\n",
        "spec": {"steps": [step], **spec},
    }


@dataclass
class World:
    """People by name: `world.user("owner")`, and so `actor`, `client` (the API), `browser` (pages)."""

    project: Project = field(init=False)

    def __post_init__(self) -> None:
        for name in PEOPLE:
            person = User(username=name, full_name=name.title(), email=f"{name}@example.org")
            person.set_password(PASSWORD)
            person.save()
        robot = User(username="robot", kind=UserKind.SERVICE, owner=self.user("author"))
        robot.set_unusable_password()
        robot.save()
        self.project = Project.objects.create(slug=PROJECT, title="Payments")
        self.give("admin", installation(), "administer", "grant")
        for name, role in ROLE_OF.items():
            self.give(name, self.project, *ROLES[role])

    def user(self, name: str) -> User:
        return User.objects.select_related("owner").get(username=name)

    def actor(self, name: str, *, scopes: tuple[str, ...] = (), by: str = "session") -> Actor:
        if by == "session" and not scopes:
            return by_session(user=self.user(name), ip="127.0.0.1", request_id="")
        token, _ = issue(by=None, user=self.user(name), name="test", scopes=scopes, now=timezone.now())
        return by_token(token=token, ip="127.0.0.1", request_id="")

    def give(self, principal: str | Group, place: Place, *rights: str, expires_at: datetime | None = None) -> None:
        """A grant, past all checks."""
        who = self.user(principal) if isinstance(principal, str) else principal
        now = timezone.now()
        write_grant(by=None, principal=who, place=place, rights=rights, expires_at=expires_at, reason="", now=now)

    def group_of(self, *names: str, slug: str = "oncall") -> Group:
        """A group with these members."""
        group = Group.objects.create(slug=slug, title=slug.title())
        for name in names:
            Membership.objects.create(group=group, user=self.user(name), starts_at=timezone.now())
        return group

    def token(self, name: str, **more: Any) -> str:
        return issue(by=None, user=self.user(name), name="test", now=timezone.now(), **more)[1]

    def client(self, name: str | None, **more: Any) -> "Api":
        """The REST API, called with a token of that person; None: without any."""
        return Api(self.token(name, **more) if name else None)

    def browser(self, name: str) -> Client:
        """Django's test client, signed in."""
        browser = Client()
        browser.force_login(self.user(name), backend="allauth.account.auth_backends.AuthenticationBackend")
        return browser

    def drafted(self, slug: str = "hello", *, by: str = "author", **more: Any) -> Version:
        data = definition(slug, **more)
        return draft(actor=self.actor(by), project=PROJECT, slug=slug, data=data, now=timezone.now())[0]

    def secret(self, slug: str = "deploy", value: str = "correct-horse-battery") -> Secret:
        words = {"project": PROJECT, "slug": slug, "title": slug.title(), "value": value}
        return create_secret(actor=self.actor("owner"), now=timezone.now(), **words)

    def told_by_webhook(self, url: str = "https://hooks.example.org/opsaas", **more: Any) -> Endpoint:
        """An endpoint of the project, unless MORE says otherwise."""
        words = {"place": f"project:{PROJECT}", "slug": "hook", "title": "Hook", "kind": "webhook", "address": url}
        return create_endpoint(actor=self.actor("admin"), now=timezone.now(), **{**words, **more})[0]

    def approved(self, slug: str = "hello", **more: Any) -> Version:
        version, now = self.drafted(slug, **more), timezone.now()
        submit(actor=self.actor("author"), version=version, now=now)
        by = self.actor("owner")
        review(actor=by, version=version, verdict="approve", comment="", digest=version.hash, now=now)
        return version

    def published(self, slug: str = "hello", **more: Any) -> Runbook:
        version = self.approved(slug, **more)
        publish(actor=self.actor("owner"), version=version, now=timezone.now())
        return Runbook.objects.select_related("project").get(pk=version.runbook_id)

    def started(
        self, runbook: Runbook | None = None, values: Mapping[str, object] | None = None, *, by: str = "runner"
    ) -> Run:
        """A queued run."""
        runbook = runbook or self.published()
        return start(actor=self.actor(by), runbook=runbook, request=Request(values=values or {}), now=timezone.now())

    def executed(self, run: Run, executor: Executor | None = None) -> Run:
        """The run after a worker has taken all of its steps, one after the other."""
        host = FakeHost(executor or FakeExecutor())
        for _ in range(5000):
            step_run = run.step_runs.filter(status="queued").order_by("pk").first()
            if step_run is None:
                break
            execute(step_run_id=str(step_run.pk), host=host, clock=timezone.now)
        run.refresh_from_db()
        return run


def announced(notifiers: Mapping[str, Notifier] | None = None) -> None:
    """Tells owners of all uses, as scheduler and worker do; by mail into Django's test outbox."""
    announce_uses(now=timezone.now())
    deliver_due(notifiers=notifiers or {"email": EmailNotifier()}, clock=timezone.now)


class Api:
    """The REST API over Django's test client. Answers carry `.json()`."""

    def __init__(self, token: str | None) -> None:
        self._client = Client(headers={"Authorization": f"Bearer {token}"} if token else {})

    def __call__(self, method: str, path: str, body: object = None, **more: Any) -> Any:
        """PATH without /api/v1. BODY goes as JSON; `data` and `content_type` send anything else."""
        if body is not None:
            more = {"data": body, "content_type": "application/json", **more}
        elif method in {"POST", "PUT", "PATCH"}:
            more = {"data": {}, "content_type": "application/json", **more}
        return getattr(self._client, method.lower())(f"/api/v1{path}", **more)


@dataclass
class FakeExecutor:
    """A mock at the port: writes OUTPUT, lets `during` happen, and ends as `outcome` says."""

    outcome: Outcome = field(default_factory=lambda: Outcome(kind=OutcomeKind.EXITED, exit_code=0))
    output: bytes = b"hello\n"
    during: Callable[[Work, Lease], None] = lambda work, lease: None
    works: list[Work] = field(default_factory=list)

    def execute(self, *, work: Work, sink: OutputSink, lease: Lease) -> Outcome:
        self.works.append(work)
        sink.write(self.output)
        self.during(work, lease)
        return self.outcome


class FakeLeases:
    """Leases that nobody renews: the tests that need real ones say so."""

    worker = "test-worker"
    closing = False

    @staticmethod
    def clock() -> float:
        return boottime()

    def hold(self, key: StepKey, *, asked_at: float) -> HeldLease:
        lease = HeldLease()
        lease.good_until = asked_at + 60
        return lease

    def drop(self, key: StepKey) -> None:
        return


class QuietFlusher(Flusher):
    """Starts no thread: in a test the sink is closed soon enough."""

    def wake(self, sink: object) -> None:
        return


@dataclass
class FakeHost:
    executor: Executor
    leases: FakeLeases = field(default_factory=FakeLeases)
    flusher: Flusher = field(default_factory=QuietFlusher)
    secrets: Secrets = field(default_factory=StoredSecrets)

    def release(self) -> None:
        return
