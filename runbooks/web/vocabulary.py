"""One word, one icon, one colour for every status of runs, step runs and versions."""

from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from runbooks.domain.states import RunStatus, StepStatus, VersionState


@dataclass(frozen=True)
class Word:
    label: str | Promise
    icon: str
    tone: str  # a class of css/status.css: calm, good, bad, warn, busy, hold, odd
    meaning: str | Promise
    spins: bool = False


WORDS: dict[str, Word] = {
    RunStatus.AWAITING_APPROVAL: Word(
        _("Awaiting approval"), "hourglass-high", "warn", _("Allowed, but other people must say yes first.")
    ),
    RunStatus.QUEUED: Word(_("Queued"), "clock", "calm", _("Starts as soon as a worker is free.")),
    RunStatus.RUNNING: Word(_("Running"), "loader-2", "busy", _("Working now."), spins=True),
    RunStatus.WAITING: Word(_("Waiting"), "hand-stop", "hold", _("Waits for a person or a moment.")),
    RunStatus.SUCCEEDED: Word(_("Succeeded"), "circle-check", "good", _("Every step did what it should.")),
    RunStatus.FAILED: Word(_("Failed"), "circle-x", "bad", _("A step ended with an error.")),
    RunStatus.TIMED_OUT: Word(_("Timed out"), "clock-x", "bad", _("Ran longer than it may and was stopped.")),
    RunStatus.CANCELLED: Word(_("Cancelled"), "circle-minus", "calm", _("Somebody stopped it.")),
    RunStatus.DENIED: Word(_("Denied"), "thumb-down", "bad", _("Never started: an approver said no.")),
    RunStatus.EXPIRED: Word(
        _("Expired"), "hourglass-off", "calm", _("Never started: nobody answered, or no worker came, in time.")
    ),
    RunStatus.REFUSED: Word(
        _("Refused"), "shield-x", "bad", _("Never started: the permission, the approval or the content no longer held.")
    ),
    RunStatus.LOST: Word(
        _("Lost"),
        "unlink",
        "odd",
        _("The worker vanished: the work may or may not be done. Check before you repeat it."),
    ),
    StepStatus.PENDING: Word(_("Pending"), "circle-dashed", "calm", _("An earlier step has not ended yet.")),
    StepStatus.SKIPPED: Word(
        _("Skipped"), "player-skip-forward", "calm", _("Never started, because of how something before it ended.")
    ),
    VersionState.DRAFT: Word(_("Draft"), "pencil", "calm", _("Being written; nobody has been asked to review it.")),
    VersionState.IN_REVIEW: Word(_("In review"), "eye", "warn", _("Waits for a reviewer who did not write it.")),
    VersionState.APPROVED: Word(_("Approved"), "checks", "busy", _("Vetted; not the version that runs by default.")),
    VersionState.REJECTED: Word(_("Rejected"), "thumb-down", "bad", _("A reviewer said no.")),
    VersionState.PUBLISHED: Word(_("Published"), "certificate", "good", _("The version that runs by default.")),
    VersionState.SUPERSEDED: Word(_("Superseded"), "history", "calm", _("Was published; a later version is now.")),
    VersionState.WITHDRAWN: Word(_("Withdrawn"), "arrow-back-up", "calm", _("Taken back before it was published.")),
}
