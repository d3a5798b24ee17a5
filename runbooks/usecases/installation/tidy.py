from datetime import datetime, timedelta

from django.contrib.sessions.models import Session

from runbooks.models import IdempotencyKey
from runbooks.usecases.secrets.keep import destroy_stragglers

KEYS_ARE_KEPT = timedelta(days=1)


def tidy(*, now: datetime) -> None:
    """Forgets what has had its time: sessions that ended, and answers kept for repeated requests."""
    destroy_stragglers()
    Session.objects.filter(expire_date__lt=now).delete()
    IdempotencyKey.objects.filter(created_at__lt=now - KEYS_ARE_KEPT).delete()
