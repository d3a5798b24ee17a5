"""The Celery application: JSON messages that carry ids, acknowledged early, no results."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "opsaas.settings")
app = Celery("opsaas")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks(["runbooks"])
app.set_default()
