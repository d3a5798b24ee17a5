"""How the installation is doing, for administrators: the caller has asked whether one is."""

import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.db.models import Count, Max, Min, Q

from runbooks.access.fetch import installation
from runbooks.domain.states import RunStatus, StepStatus
from runbooks.live.announce import broker_error
from runbooks.models import AuditPending, Delivery, Run, StepRun
from runbooks.models.offers import offers_of

SEEN_WITHIN = timedelta(days=1)
NOTHING_TOLD = {"level": "", "why": ""}


@dataclass(frozen=True)
class Database:
    engine: str
    version: str
    milliseconds: float
    migrations_missing: int


@dataclass(frozen=True)
class Worker:
    name: str
    running: int
    last_started: datetime | None
    lease_until: datetime | None
    level: str  # of containment, the strongest that it offers; "" if it has not told
    why: str  # it is not more


@dataclass(frozen=True)
class Backlog:
    """Things that wait, and since when the oldest does."""

    count: int
    oldest: datetime | None


@dataclass(frozen=True)
class Health:
    accepts_runs: bool
    database: Database
    broker_error: str | None  # "" where it answers, None where it can't be asked
    workers: Sequence[Worker]
    running: int
    queued: Backlog
    hints: int  # not sent: the broker did not take them
    unsequenced: int
    failing: Sequence[Delivery]


def health(*, now: datetime) -> Health:
    return Health(
        accepts_runs=installation().accepts_runs,
        database=_database(),
        broker_error=broker_error(),
        workers=_workers(now),
        running=Run.objects.filter(status=RunStatus.RUNNING).count(),
        queued=_backlog(
            **Run.objects.filter(status=RunStatus.QUEUED).aggregate(count=Count("pk"), oldest=Min("created_at"))
        ),
        hints=StepRun.objects.filter(status=StepStatus.QUEUED, hinted_at=None).count(),
        unsequenced=AuditPending.objects.count(),
        failing=_failing(),
    )


def _backlog(*, count: int, oldest: datetime | None) -> Backlog:
    return Backlog(count=count, oldest=oldest)


def _database() -> Database:
    began = time.perf_counter()
    with connection.cursor() as cursor:
        cursor.execute("SELECT version()" if connection.vendor == "postgresql" else "SELECT sqlite_version()")
        version = str(cursor.fetchone()[0]).partition(" on ")[0].removeprefix("PostgreSQL ")
    spent = (time.perf_counter() - began) * 1000
    executor = MigrationExecutor(connection)
    missing = executor.migration_plan(executor.loader.graph.leaf_nodes())
    engine = "PostgreSQL" if connection.vendor == "postgresql" else "SQLite"
    return Database(engine=engine, version=version, milliseconds=spent, migrations_missing=len(missing))


def _workers(now: datetime) -> list[Worker]:
    """Those that hold a lease, and those that have begun anything within a day. A worker leaves no other trace."""
    recent = StepRun.objects.exclude(worker="").filter(
        Q(pk__gte=_first_id_of(now - SEEN_WITHIN)) | Q(status=StepStatus.RUNNING)
    )
    running = Q(status=StepStatus.RUNNING)
    rows = recent.values("worker").annotate(
        running=Count("pk", filter=running), last=Max("started_at"), lease=Max("lease_until", filter=running)
    )
    found = list(rows.order_by("-running", "-last")[:50])
    offers = offers_of(row["worker"] for row in found)
    return [
        Worker(row["worker"], row["running"], row["last"], row["lease"], **offers.get(row["worker"], NOTHING_TOLD))
        for row in found
    ]


def _first_id_of(moment: datetime) -> uuid.UUID:
    """The smallest id (UUIDv7) that can have been made at MOMENT: the primary key is the index by age."""
    return uuid.UUID(int=int(moment.timestamp() * 1000) << 80)


def _failing() -> list[Delivery]:
    found = Delivery.objects.exclude(last_error="").select_related("recipient", "endpoint")
    return list(found.order_by("-pk")[:10])
