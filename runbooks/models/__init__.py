"""Stored facts. Django finds the models here."""

from runbooks.models.audit import AuditEvent, AuditLeaf, AuditPending
from runbooks.models.grants import (
    Grant,
    InstallationGroupRight,
    InstallationUserRight,
    ProjectGroupRight,
    ProjectUserRight,
    RunbookGroupRight,
    RunbookUserRight,
)
from runbooks.models.outbox import Delivery, IdempotencyKey, OutboxMessage
from runbooks.models.people import Group, Membership, Token, TokenKind, User, UserKind
from runbooks.models.projects import INSTALLATION_ID, Installation, Project, Review, Runbook, Version
from runbooks.models.runs import OutputChunk, Run, RunEvent, StepRun

__all__ = [
    "INSTALLATION_ID",
    "AuditEvent",
    "AuditLeaf",
    "AuditPending",
    "Delivery",
    "Grant",
    "Group",
    "IdempotencyKey",
    "Installation",
    "InstallationGroupRight",
    "InstallationUserRight",
    "Membership",
    "OutboxMessage",
    "OutputChunk",
    "Project",
    "ProjectGroupRight",
    "ProjectUserRight",
    "Review",
    "Run",
    "RunEvent",
    "Runbook",
    "RunbookGroupRight",
    "RunbookUserRight",
    "StepRun",
    "Token",
    "TokenKind",
    "User",
    "UserKind",
    "Version",
]
