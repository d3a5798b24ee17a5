"""Every denial is recorded; so is asking for what does not exist, so that the two take the same time."""

from datetime import datetime

from runbooks.access.actors import Actor
from runbooks.access.fetch import Hidden, NotAllowed
from runbooks.audit.reads import record_denial
from runbooks.audit.record import Ref


def tell_the_log(*, error: Hidden | NotAllowed, actor: Actor | None, now: datetime) -> None:
    """Without an actor nobody was refused anything: strangers are told to sign in."""
    if actor is None:
        return
    thing = Ref(error.kind, error.id, error.name) if isinstance(error, Hidden) else error.thing
    reasons = () if isinstance(error, Hidden) else error.reasons
    record_denial(actor=actor, action=error.action, thing=thing, reasons=reasons, now=now)
