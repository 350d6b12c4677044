"""Base models, the audit trail and heartbeats. No domain word enters here."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.utils import timezone

from apps.core.audit_words import in_words
from apps.core.ids import new_public_id


class PublicModel(models.Model):
    """A row that people and API clients can name.

    `created_at` and `updated_at` are shown and sorted by, never compared by a rule.
    """

    id = models.BigAutoField(primary_key=True)
    public_id = models.CharField(
        max_length=12, unique=True, default=new_public_id, editable=False, verbose_name="id"
    )
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    updated_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        abstract = True


class LiveQuerySet(models.QuerySet[Any]):
    """Rows of a model whose members are archived, never deleted."""

    def live(self) -> LiveQuerySet:
        return self.filter(archived_at__isnull=True)


class ArchivableModel(PublicModel):
    """A row with a history: it is archived instead of deleted, and its id is never reused."""

    archived_at = models.DateTimeField(null=True, blank=True, editable=False)

    objects = LiveQuerySet.as_manager()

    class Meta:
        abstract = True

    @property
    def is_archived(self) -> bool:
        return self.archived_at is not None


class LeasedRow(models.Model):
    """A row that one process at a time works on.

    Whoever claims it raises `claim_no` and sets `leased_until` on the database's clock, and writes
    a result only where its `claim_no` still holds. A lapsed lease may be claimed again by anyone.
    """

    claim_no = models.BigIntegerField(default=0, editable=False)
    leased_until = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        abstract = True


class AuditEvent(models.Model):
    """One change by one actor. Append only; it has no key to a person or object, so it outlives both."""

    class Channel(models.TextChoices):
        ADMIN = "admin", "Admin"
        API = "api", "API"
        COMMAND = "command", "Command"
        AUTOMATION = "automation", "Automation"

    id = models.BigAutoField(primary_key=True)
    at = models.DateTimeField(db_index=True)
    actor_kind = models.CharField(max_length=12)
    actor_key = models.CharField(max_length=80)
    actor_label = models.CharField(max_length=200)
    action = models.CharField(max_length=60, help_text="What was done, such as monitor.updated.")
    object_type = models.CharField(max_length=60)
    object_id = models.CharField(max_length=60, help_text="The object's public id.")
    object_label = models.CharField(max_length=255)
    changes = models.JSONField(
        default=dict, help_text="{field: [before, after]}; a secret's values are never kept."
    )
    channel = models.CharField(max_length=12, blank=True, default="", choices=Channel.choices)
    address = models.CharField(
        max_length=45,
        blank=True,
        default="",
        help_text="The IP address that the request came from.",
    )
    session = models.CharField(
        max_length=16,
        blank=True,
        default="",
        help_text="Stands for the log-in session: the same for all that was done in it.",
    )

    class Meta:
        ordering = ["-id"]
        verbose_name_plural = "audit trail"
        indexes = [
            models.Index(fields=["object_type", "object_id"], name="audit_object"),
            models.Index(fields=["actor_key", "id"], name="audit_actor"),
        ]

    def __str__(self) -> str:
        return self.in_words

    @property
    def in_words(self) -> str:
        """What was done, without who did it: “changed monitor Checkout”."""
        return in_words(self.action, self.object_type, self.object_label)


class AuditSeal(models.Model):
    """A closed stretch of the audit trail, chained to the one before (see services/seals.py).

    It covers every event after the seal before up to `last_id`, so that one that is changed, taken away or put in
    between no longer fits the hash.
    """

    number = models.BigIntegerField(primary_key=True)
    sealed_at = models.DateTimeField()
    first_id = models.BigIntegerField()
    last_id = models.BigIntegerField()
    count = models.IntegerField()
    version = models.SmallIntegerField(help_text="Which columns are hashed.")
    previous_hash = models.CharField(max_length=64)
    hash = models.CharField(max_length=64)
    key_id = models.CharField(
        max_length=16, help_text="Tells which SECRET_KEY the mark is made with."
    )
    mark = models.CharField(max_length=64, help_text="HMAC of the hash.")

    class Meta:
        ordering = ["number"]

    def __str__(self) -> str:
        return f"seal {self.number}"


class Heartbeat(models.Model):
    """The last sign of life of a long-running process, on the database's clock."""

    name = models.CharField(max_length=120, primary_key=True, help_text="beat, or worker:<host>.")
    at = models.DateTimeField()
    keys = models.JSONField(
        default=list, blank=True, help_text="Fingerprints of the encryption keys that it knows."
    )

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name
