"""What shows that the log is whole, and where its heads are kept."""

import base64
from datetime import datetime

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from runbooks.access.actors import Actor
from runbooks.queries.integrity import integrity as look
from runbooks.web.pages import page


@page
def integrity(request: HttpRequest, *, actor: Actor, now: datetime) -> HttpResponse:
    found = look(actor=actor, now=now)
    recent = [(one, base64.b64encode(bytes(one.root)).decode()) for one in found.recent]
    return render(request, "web/integrity.html", {"found": found, "recent": recent})
