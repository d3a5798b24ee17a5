"""`manage.py scheduler`: the loops that work straight on the database. Any number of them may run."""

import logging
import signal
import threading
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand
from django.db import DatabaseError, close_old_connections
from django.utils import timezone

from runbooks.audit.checkpoint import make_checkpoint
from runbooks.audit.push import forget_others, push_checkpoints, push_events
from runbooks.audit.retire import retire_due
from runbooks.audit.sequence import drain
from runbooks.domain.outposts import Outpost
from runbooks.management.inventories import refresh_all
from runbooks.outgoing.http import CheckedHttp
from runbooks.outposts.addresses import PlaceAddress
from runbooks.outposts.opening import opened
from runbooks.usecases.installation.tidy import tidy
from runbooks.usecases.notifications.announce_events import announce_events
from runbooks.usecases.notifications.announce_use import announce_uses
from runbooks.usecases.notifications.deliver import hint_due
from runbooks.usecases.notifications.digests import send_digests
from runbooks.usecases.runs.children import settle_children
from runbooks.usecases.runs.due import queue_due
from runbooks.usecases.runs.overdue import cancel_overdue
from runbooks.usecases.runs.pause import look_at_pauses
from runbooks.usecases.runs.remove_output import remove_due
from runbooks.usecases.runs.seal import remove_orphans, seal_due
from runbooks.usecases.runs.sweep import expire, give_up_on_nodes, hint_again, reap

log = logging.getLogger(__name__)

DUE_SECONDS = 1.0
SEQUENCE_SECONDS = 1.0
ANNOUNCE_SECONDS = 1.0
PUSH_SECONDS = 5.0
DELIVERY_SECONDS = 10.0
REMOVE_SECONDS = 600.0
TIDY_SECONDS = 3600.0


@dataclass(frozen=True)
class Loop:
    name: str
    seconds: float
    once: Callable[[], object]


def loops() -> list[Loop]:
    sweep = settings.OPSAAS_SWEEP_SECONDS
    return [
        Loop("sweeper", sweep, _sweep),
        Loop("reaper", sweep / 2, lambda: reap(now=timezone.now())),
        Loop("due", DUE_SECONDS, _look),
        Loop("sequencer", SEQUENCE_SECONDS, drain),
        Loop("checkpointer", settings.OPSAAS_AUDIT_CHECKPOINT_SECONDS, _checkpoint),
        Loop("pusher", PUSH_SECONDS, _push),
        Loop("announcer", ANNOUNCE_SECONDS, lambda: announce_uses(now=timezone.now())),
        Loop("reader", ANNOUNCE_SECONDS, lambda: announce_events(now=timezone.now())),
        Loop("deliveries", DELIVERY_SECONDS, _deliveries),
        Loop("inventories", settings.OPSAAS_INVENTORY_SECONDS, refresh_all),
        Loop("sealer", sweep, lambda: seal_due(now=timezone.now())),
        Loop("remover", REMOVE_SECONDS, lambda: (remove_due(now=timezone.now()), remove_orphans(now=timezone.now()))),
        Loop("tidier", TIDY_SECONDS, _tidy),
    ]


def _look() -> None:
    for once in (queue_due, look_at_pauses, settle_children, cancel_overdue):
        once(now=timezone.now())


def _checkpoint() -> None:
    make_checkpoint(keys=settings.OPSAAS_AUDIT_KEYS, now=timezone.now())


def _tidy() -> None:
    tidy(now=timezone.now())
    if retire_due(days=settings.OPSAAS_AUDIT_DAYS, now=timezone.now()):
        _checkpoint()  # what was dropped is believed once that is signed


def _push() -> None:
    checkpoints, events = _open(settings.OPSAAS_AUDIT_PUSH), _open(settings.OPSAAS_AUDIT_STREAM)
    forget_others(checkpoints=checkpoints, events=events, now=timezone.now())
    push_checkpoints(places=checkpoints, now=timezone.now())
    push_events(places=events, now=timezone.now())


@cache
def _open(places: tuple[PlaceAddress, ...]) -> dict[str, Outpost]:
    outgoing = CheckedHttp(allowed=settings.OPSAAS_OUTGOING_ALLOW)
    return {place.name: opened(place, outgoing=outgoing) for place in places}


def _sweep() -> None:
    for once in (expire, give_up_on_nodes, hint_again):
        once(now=timezone.now())


def _deliveries() -> None:
    send_digests(now=timezone.now())
    hint_due(now=timezone.now())


class Command(BaseCommand):
    help = "Sweep, reap, sequence and sign the audit log, and send what is due, until stopped."

    def handle(self, *_args: Any, **_options: Any) -> None:
        stop = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stop.set())
        threads = [threading.Thread(target=_repeat, args=(loop, stop), name=loop.name) for loop in loops()]
        for thread in threads:
            thread.start()
        stop.wait()
        for thread in threads:
            thread.join(10)


def _repeat(loop: Loop, stop: threading.Event) -> None:
    while not stop.is_set():
        try:
            loop.once()
        except DatabaseError as error:
            log.warning("the %s could not do its round, the database did not answer: %s", loop.name, error)
        except Exception:
            log.exception("the %s failed in its round and goes on", loop.name)
        finally:
            close_old_connections()
        stop.wait(loop.seconds)
