"""People, service accounts, groups with dated membership, and tokens."""

from typing import ClassVar

from django.contrib.auth.models import AbstractBaseUser, BaseUserManager
from django.db import models
from django.db.models import ExpressionWrapper, F, Q
from django.db.models.functions import Now

from runbooks.models.ids import new_id


class UserKind(models.TextChoices):
    PERSON = "person"
    SERVICE = "service"  # a service account; a person owns it and answers for it


class UserManager(BaseUserManager["User"]):
    def get_by_natural_key(self, username: str | None) -> "User":
        return self.get(username=username)


class User(AbstractBaseUser):
    """Nobody is a superuser here: what one may do comes from grants alone."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    username = models.CharField(max_length=64, unique=True)
    full_name = models.CharField(max_length=200, blank=True)
    email = models.EmailField(blank=True)
    kind = models.CharField(max_length=10, choices=UserKind.choices, default=UserKind.PERSON)
    owner = models.ForeignKey("self", on_delete=models.PROTECT, null=True, blank=True, related_name="service_accounts")
    external_id = models.CharField(max_length=200, blank=True)
    created_at = models.DateTimeField(db_default=Now())
    disabled_at = models.DateTimeField(null=True, blank=True)
    is_active = models.GeneratedField(
        expression=ExpressionWrapper(Q(disabled_at__isnull=True), output_field=models.BooleanField()),
        output_field=models.BooleanField(),
        db_persist=True,
    )

    USERNAME_FIELD = "username"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []
    objects = UserManager()

    class Meta:
        default_permissions = ()
        constraints = [
            models.CheckConstraint(
                name="service_accounts_have_an_owner",
                condition=Q(kind=UserKind.SERVICE, owner__isnull=False) | Q(kind=UserKind.PERSON, owner__isnull=True),
            ),
            models.UniqueConstraint(
                name="external_ids_are_unique", fields=["external_id"], condition=~Q(external_id="")
            ),
        ]

    def __str__(self) -> str:
        return self.username

    @property
    def person_id(self) -> object:
        """The human being behind this account: separation of duties counts people, not accounts."""
        return self.owner_id or self.id


class Group(models.Model):
    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    slug = models.SlugField(max_length=64, unique=True)
    title = models.CharField(max_length=200)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return self.slug


class Membership(models.Model):
    """A dated row, never deleted: who was in a group at any past moment stays answerable."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    group = models.ForeignKey(Group, on_delete=models.PROTECT, related_name="memberships")
    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="memberships")
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField(null=True, blank=True)
    added_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")

    class Meta:
        default_permissions = ()
        constraints = [
            models.CheckConstraint(
                name="memberships_end_after_they_start",
                condition=Q(ends_at__isnull=True) | Q(ends_at__gte=F("starts_at")),
            ),
            models.UniqueConstraint(
                name="one_open_membership", fields=["group", "user"], condition=Q(ends_at__isnull=True)
            ),
        ]


class TokenKind(models.TextChoices):
    """What kind of client a token is for: it decides the trigger that its runs carry."""

    API = "api"
    CLI = "cli"
    AGENT = "agent"


class Token(models.Model):
    """A bearer credential. Only its SHA-256 is kept; the text is shown once."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="tokens")
    name = models.CharField(max_length=100)
    kind = models.CharField(max_length=10, choices=TokenKind.choices, default=TokenKind.API)
    prefix = models.CharField(max_length=16, help_text="The first characters, to recognise a token by.")
    digest = models.CharField(max_length=64, unique=True)
    scopes = models.JSONField(default=list, help_text="Rights this token is limited to; empty: all of its owner's.")
    created_at = models.DateTimeField(db_default=Now())
    expires_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        default_permissions = ()
