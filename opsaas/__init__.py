"""Wiring. Importing it makes Celery's application the current one, also where messages are only sent."""

from opsaas.celery import app as celery_app

__all__ = ["celery_app"]
