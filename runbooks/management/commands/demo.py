"""`manage.py demo`: a first project with real procedures, and people to try them as. Repeating it changes nothing."""

import secrets
from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from opsaas import env
from runbooks.demo.load import load_definitions
from runbooks.usecases.demo.people import seed_people
from runbooks.usecases.demo.project import PROJECT, seed_project


class Command(BaseCommand):
    help = "Seed the demo project and its people; prints how to sign in, once."

    def handle(self, *_args: Any, **_options: Any) -> None:
        given = env.text("OPSAAS_DEMO_PASSWORD")
        password = given or secrets.token_urlsafe(12)
        cast, made = seed_people(password=password, now=timezone.now())
        seed_project(cast=cast, definitions=load_definitions(project=PROJECT), now=timezone.now())
        if not made:
            self.stdout.write("The demo people are there already; their passwords stay as they are.")
            return
        shown = "OPSAAS_DEMO_PASSWORD" if given else password
        people = ", ".join(name for name, user in cast.items() if user.kind == "person")
        self.stdout.write(f"Sign in as one of: {people}\nPassword of each:  {shown}")
