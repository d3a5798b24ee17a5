"""Many writers of events, as a process of its own: prints how many were written, in how many seconds, and how
much later the sequencer had given each its number."""

import os
import sys
import threading
import time

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "opsaas.settings")
os.environ["OPSAAS_WORKER_CONNECTIONS"] = sys.argv[1]
django.setup()

from django.db import connection, transaction  # noqa: E402  (the settings come first)
from django.utils import timezone  # noqa: E402

from runbooks.access.fetch import installation  # noqa: E402
from runbooks.audit.record import record  # noqa: E402
from runbooks.models import AuditPending  # noqa: E402


def write(until: float, counts: list[int]) -> None:
    thing, count = installation(), 0
    while time.perf_counter() < until:
        with transaction.atomic():
            record(actor=None, action="bench.written", thing=thing, now=timezone.now())
        count += 1
    counts.append(count)
    connection.close()


def main(writers: int, seconds: float) -> None:
    counts: list[int] = []
    begun = time.perf_counter()
    threads = [threading.Thread(target=write, args=(begun + seconds, counts)) for _ in range(writers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    written, ended = time.perf_counter() - begun, time.perf_counter()
    while AuditPending.objects.exists():
        time.sleep(0.02)
    print(sum(counts), written, time.perf_counter() - ended)


if __name__ == "__main__":
    main(int(sys.argv[1]), float(sys.argv[2]))
