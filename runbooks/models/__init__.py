"""Stored facts. Django finds the models here."""

from runbooks.models.approvals import Approval, ApprovalRequest, Delegation
from runbooks.models.audit import (
    AuditCheckpoint,
    AuditCosignature,
    AuditEvent,
    AuditHold,
    AuditKey,
    AuditLeaf,
    AuditPending,
    AuditPlace,
    AuditRetirement,
    AuditSubtree,
)
from runbooks.models.fan_out import FanOut
from runbooks.models.files import FileContent, RunFile
from runbooks.models.grants import (
    Grant,
    InstallationGroupRight,
    InstallationUserRight,
    NodeGroupRight,
    NodeUserRight,
    ProjectGroupRight,
    ProjectUserRight,
    RunbookGroupRight,
    RunbookUserRight,
    SecretGroupRight,
    SecretUserRight,
)
from runbooks.models.guardrails import BreakGlassReview, Freeze
from runbooks.models.kept import Artifact, Note
from runbooks.models.nodes import HostKey, Node
from runbooks.models.notices import (
    Endpoint,
    EndpointKind,
    EndpointSecret,
    NoticeCursor,
    NotificationChoice,
    NotifyRule,
)
from runbooks.models.outbox import Delivery, DeliveryAttempt, IdempotencyKey
from runbooks.models.people import Group, Membership, Token, TokenKind, User, UserKind
from runbooks.models.projects import INSTALLATION_ID, Installation, Project, Review, Runbook, Version
from runbooks.models.runs import OutputChunk, Run, RunEvent, StepRun
from runbooks.models.sealed import SealedFrame, SealedOutput, SealedSpan
from runbooks.models.secrets import RunSecret, Secret, SecretReference, SecretValue

__all__ = [
    "INSTALLATION_ID",
    "Approval",
    "ApprovalRequest",
    "Artifact",
    "AuditCheckpoint",
    "AuditCosignature",
    "AuditEvent",
    "AuditHold",
    "AuditKey",
    "AuditLeaf",
    "AuditPending",
    "AuditPlace",
    "AuditRetirement",
    "AuditSubtree",
    "BreakGlassReview",
    "Delegation",
    "Delivery",
    "DeliveryAttempt",
    "Endpoint",
    "EndpointKind",
    "EndpointSecret",
    "FanOut",
    "FileContent",
    "Freeze",
    "Grant",
    "Group",
    "HostKey",
    "IdempotencyKey",
    "Installation",
    "InstallationGroupRight",
    "InstallationUserRight",
    "Membership",
    "Node",
    "NodeGroupRight",
    "NodeUserRight",
    "Note",
    "NoticeCursor",
    "NotificationChoice",
    "NotifyRule",
    "OutputChunk",
    "Project",
    "ProjectGroupRight",
    "ProjectUserRight",
    "Review",
    "Run",
    "RunEvent",
    "RunFile",
    "RunSecret",
    "Runbook",
    "RunbookGroupRight",
    "RunbookUserRight",
    "SealedFrame",
    "SealedOutput",
    "SealedSpan",
    "Secret",
    "SecretGroupRight",
    "SecretReference",
    "SecretUserRight",
    "SecretValue",
    "StepRun",
    "Token",
    "TokenKind",
    "User",
    "UserKind",
    "Version",
]
