"""Planned work on a page. It changes by published updates, or moves by itself at its times."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from apps.core.models import ArchivableModel, PublicModel
from apps.incidents.models.series import MaintenanceSeries
from apps.pages.models import Component, Page
from apps.pages.status import ComponentStatus


class MaintenanceStatus(models.TextChoices):
    SCHEDULED = "scheduled", "Scheduled"
    IN_PROGRESS = "in_progress", "In progress"
    VERIFYING = "verifying", "Verifying"
    COMPLETED = "completed", "Completed"


class Maintenance(ArchivableModel):
    """Planned work: announced, in progress, being verified, completed.

    `scheduled_for` and `scheduled_until` are the plan; `started_at`, `verifying_at` and `completed_at` what came
    true. `next_move_at` is when it next moves by itself (null: never). One that was cancelled is completed
    and has `cancelled_at`. While it is in progress or being verified its components are under maintenance.
    """

    page = models.ForeignKey(Page, on_delete=models.PROTECT, related_name="maintenances")
    number = models.PositiveBigIntegerField(unique=True, editable=False)
    name = models.CharField(max_length=255)
    status = models.CharField(max_length=12, choices=MaintenanceStatus.choices, editable=False)
    scheduled_for = models.DateTimeField(verbose_name="starts at")
    scheduled_until = models.DateTimeField(verbose_name="ends at")
    starts_itself = models.BooleanField(
        default=True, help_text="Go to In progress at the start, without anybody's doing."
    )
    ends_itself = models.BooleanField(
        default=True, help_text="Go to Completed at the end, without anybody's doing."
    )
    deliver_notifications = models.BooleanField(
        default=True, help_text="Tell subscribers of the moves that it makes by itself."
    )
    next_move_at = models.DateTimeField(null=True, editable=False)
    started_at = models.DateTimeField(null=True, editable=False)
    verifying_at = models.DateTimeField(null=True, editable=False)
    completed_at = models.DateTimeField(null=True, editable=False)
    cancelled_at = models.DateTimeField(null=True, editable=False)
    series = models.ForeignKey(
        MaintenanceSeries,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        editable=False,
        related_name="occurrences",
    )
    occurrence_at = models.DateTimeField(
        null=True, editable=False, help_text="The start that the series' rule gave it."
    )
    follows_series = models.BooleanField(
        default=True,
        editable=False,
        help_text="Nobody changed this one by hand: a change of its series changes it as well.",
    )
    idempotency_key = models.CharField(max_length=200, null=True, blank=True, editable=False)
    last_sequence = models.PositiveIntegerField(default=0, editable=False)

    class Meta(ArchivableModel.Meta):
        ordering = ["-scheduled_for", "-id"]
        verbose_name_plural = "maintenance"
        constraints = [
            models.UniqueConstraint(
                fields=["page", "idempotency_key"],
                condition=Q(idempotency_key__isnull=False),
                name="maintenance_idempotency_once",
            ),
            models.UniqueConstraint(
                fields=["series", "occurrence_at"],
                condition=Q(series__isnull=False),
                name="maintenance_occurrence_once",
            ),
            models.CheckConstraint(
                condition=Q(scheduled_until__gt=F("scheduled_for")),
                name="maintenance_ends_after_start",
                violation_error_message="The end must be after the start.",
            ),
            models.CheckConstraint(
                condition=Q(status="completed", completed_at__isnull=False)
                | (~Q(status="completed") & Q(completed_at__isnull=True)),
                name="maintenance_completed_has_time",
            ),
        ]
        indexes = [
            models.Index(fields=["page", "-scheduled_for"], name="maintenance_by_page"),
            models.Index(
                fields=["next_move_at"],
                condition=Q(next_move_at__isnull=False),
                name="maintenance_due",
            ),
            # Publication reads by these: see Incident.
            models.Index(fields=["page", "-created_at"], name="maintenance_by_created"),
            models.Index(
                fields=["page"], condition=Q(completed_at__isnull=True), name="maintenance_open"
            ),
            models.Index(fields=["page", "-completed_at"], name="maintenance_by_completed"),
            models.Index(fields=["page", "-updated_at"], name="maintenance_by_updated"),
            models.Index(
                fields=["page", "-archived_at"],
                condition=Q(archived_at__isnull=False),
                name="maintenance_by_archived",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def is_active(self) -> bool:
        return self.status in (MaintenanceStatus.IN_PROGRESS, MaintenanceStatus.VERIFYING)

    @property
    def is_cancelled(self) -> bool:
        return self.cancelled_at is not None


class MaintenanceComponent(models.Model):
    """A component that a maintenance covers, from `started_at` to `ended_at` once it has begun there.

    `status` is the maintenance's latest word on it: under maintenance, or operational where the work is done.
    """

    maintenance = models.ForeignKey(Maintenance, on_delete=models.CASCADE, related_name="affected")
    component = models.ForeignKey(Component, on_delete=models.PROTECT, related_name="maintained_by")
    status = models.CharField(
        max_length=24, choices=ComponentStatus.choices, default=ComponentStatus.UNDER_MAINTENANCE
    )
    started_at = models.DateTimeField(null=True, editable=False)
    ended_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(
                fields=["maintenance", "component"], name="maintained_component_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.component} {self.status}"


class MaintenanceUpdate(PublicModel):
    """One published step of a maintenance. `body` is Markdown; `display_at` is the shown time."""

    maintenance = models.ForeignKey(Maintenance, on_delete=models.PROTECT, related_name="updates")
    sequence = models.PositiveIntegerField(editable=False)
    status = models.CharField(max_length=12, choices=MaintenanceStatus.choices)
    body = models.TextField(blank=True, default="")
    display_at = models.DateTimeField()
    is_automated = models.BooleanField(default=False, editable=False)
    author = models.CharField(max_length=200, blank=True, default="", editable=False)
    deliver_notifications = models.BooleanField(default=True)

    class Meta:
        ordering = ["-sequence"]
        constraints = [
            models.UniqueConstraint(
                fields=["maintenance", "sequence"], name="maintenance_sequence_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.get_status_display()} #{self.sequence}"


class MaintenanceUpdateComponent(models.Model):
    """A component's status before and after one update."""

    update = models.ForeignKey(
        MaintenanceUpdate, on_delete=models.CASCADE, related_name="components"
    )
    component = models.ForeignKey(Component, on_delete=models.PROTECT, related_name="+")
    old_status = models.CharField(max_length=24, choices=ComponentStatus.choices)
    new_status = models.CharField(max_length=24, choices=ComponentStatus.choices)

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(
                fields=["update", "component"], name="maintenance_component_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.component_id} {self.new_status}"
