"""Incidents on a page. They change only by updates; state is the highest published sequence."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from apps.core.ids import new_public_id
from apps.core.models import ArchivableModel, PublicModel
from apps.pages.models import Component, Page
from apps.pages.status import ComponentStatus


class EventNumber(models.Model):
    """One running number shared by incidents and maintenances, for feeds. A row is a number taken."""

    id = models.BigAutoField(primary_key=True)

    def __str__(self) -> str:
        return str(self.pk)


class IncidentStatus(models.TextChoices):
    INVESTIGATING = "investigating", "Investigating"
    IDENTIFIED = "identified", "Identified"
    IN_PROGRESS = "in_progress", "In progress"
    MONITORING = "monitoring", "Monitoring"
    RESOLVED = "resolved", "Resolved"


class Impact(models.TextChoices):
    NONE = "none", "None"
    MINOR = "minor", "Minor"
    MAJOR = "major", "Major"
    CRITICAL = "critical", "Critical"


class Incident(ArchivableModel):
    """Something that went wrong, as readers see it.

    `status`, `monitoring_at` and `resolved_at` follow the updates. `started_at` is the start as shown;
    `created_at` is when the record was made. `origin` tells staff where an automated one came from; it is private.
    One that was merged into another is resolved and stands for it: readers are led there.
    """

    page = models.ForeignKey(Page, on_delete=models.PROTECT, related_name="incidents")
    number = models.PositiveBigIntegerField(unique=True, editable=False)
    name = models.CharField(max_length=255)
    status = models.CharField(max_length=16, choices=IncidentStatus.choices, editable=False)
    impact_override = models.CharField(
        max_length=12,
        choices=Impact.choices,
        blank=True,
        default="",
        help_text="Leave empty for the worst status that its components had.",
    )
    started_at = models.DateTimeField()
    monitoring_at = models.DateTimeField(null=True, blank=True, editable=False)
    resolved_at = models.DateTimeField(null=True, blank=True, editable=False)
    is_automated = models.BooleanField(default=False, editable=False)
    taken_over_at = models.DateTimeField(null=True, blank=True, editable=False)
    origin = models.CharField(max_length=200, blank=True, default="", editable=False)
    idempotency_key = models.CharField(max_length=200, null=True, blank=True, editable=False)
    last_sequence = models.PositiveIntegerField(default=0, editable=False)
    is_retrospective = models.BooleanField(
        default=False,
        editable=False,
        help_text="Told after it was over: it never touched a component's status.",
    )
    merged_into = models.ForeignKey(
        "self",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        editable=False,
        related_name="merged",
    )

    class Meta(ArchivableModel.Meta):
        ordering = ["-started_at", "-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["page", "idempotency_key"],
                condition=Q(idempotency_key__isnull=False),
                name="incident_idempotency_once",
            ),
            models.CheckConstraint(
                condition=Q(status="resolved", resolved_at__isnull=False)
                | (~Q(status="resolved") & Q(resolved_at__isnull=True)),
                name="incident_resolved_has_time",
            ),
        ]
        # Publication reads by these, so that it costs what is open or new, not what there is.
        indexes = [
            models.Index(fields=["page", "-started_at"], name="incident_by_page"),
            models.Index(
                fields=["page"], condition=Q(resolved_at__isnull=True), name="incident_open"
            ),
            models.Index(fields=["page", "-resolved_at"], name="incident_by_resolved"),
            models.Index(fields=["page", "-updated_at"], name="incident_by_updated"),
            models.Index(
                fields=["page", "-archived_at"],
                condition=Q(archived_at__isnull=False),
                name="incident_by_archived",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def is_open(self) -> bool:
        return self.status != IncidentStatus.RESOLVED

    @property
    def is_tended(self) -> bool:
        """Whether automation opened it, and may still change it."""
        return self.is_automated and self.is_open and self.taken_over_at is None


class IncidentComponent(models.Model):
    """A component that an incident affects.

    `status` is the incident's latest word on it, `worst_status` the worst one. `contributes` is false while only
    automation spoke: then the status is shown in the incident and the component follows its link.
    """

    incident = models.ForeignKey(Incident, on_delete=models.CASCADE, related_name="affected")
    component = models.ForeignKey(Component, on_delete=models.PROTECT, related_name="affected_by")
    status = models.CharField(max_length=24, choices=ComponentStatus.choices)
    worst_status = models.CharField(max_length=24, choices=ComponentStatus.choices)
    contributes = models.BooleanField(default=False)

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["incident", "component"], name="affected_once")
        ]

    def __str__(self) -> str:
        return f"{self.component} {self.status}"


class IncidentUpdate(PublicModel):
    """One published step of an incident. `body` is Markdown; `display_at` is the shown time."""

    incident = models.ForeignKey(Incident, on_delete=models.PROTECT, related_name="updates")
    sequence = models.PositiveIntegerField(editable=False)
    status = models.CharField(max_length=16, choices=IncidentStatus.choices)
    body = models.TextField(blank=True, default="")
    display_at = models.DateTimeField()
    is_automated = models.BooleanField(default=False, editable=False)
    author = models.CharField(max_length=200, blank=True, default="", editable=False)
    deliver_notifications = models.BooleanField(default=True)

    class Meta:
        ordering = ["-sequence"]
        constraints = [
            models.UniqueConstraint(fields=["incident", "sequence"], name="update_sequence_once")
        ]

    def __str__(self) -> str:
        return f"{self.get_status_display()} #{self.sequence}"


class UpdateComponent(models.Model):
    """A component's status before and after one update."""

    update = models.ForeignKey(IncidentUpdate, on_delete=models.CASCADE, related_name="components")
    component = models.ForeignKey(Component, on_delete=models.PROTECT, related_name="+")
    old_status = models.CharField(max_length=24, choices=ComponentStatus.choices)
    new_status = models.CharField(max_length=24, choices=ComponentStatus.choices)

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["update", "component"], name="update_component_once")
        ]

    def __str__(self) -> str:
        return f"{self.component_id} {self.new_status}"


class Postmortem(models.Model):
    """What was learnt from a resolved incident. Readers see `body` once it is published; `draft` is staff's.

    To readers it is one more update of the incident, with the id `public_id`.
    """

    incident = models.OneToOneField(
        Incident, on_delete=models.CASCADE, primary_key=True, related_name="postmortem"
    )
    public_id = models.CharField(
        max_length=12, unique=True, default=new_public_id, editable=False, verbose_name="id"
    )
    draft = models.TextField(blank=True, default="")
    draft_updated_at = models.DateTimeField(null=True, editable=False)
    body = models.TextField(blank=True, default="", editable=False)
    body_updated_at = models.DateTimeField(null=True, editable=False)
    published_at = models.DateTimeField(null=True, editable=False)
    author = models.CharField(max_length=200, blank=True, default="", editable=False)
    deliver_notifications = models.BooleanField(default=True)
    created_at = models.DateTimeField(editable=False)
    updated_at = models.DateTimeField(editable=False)

    class Meta:
        indexes = [models.Index(fields=["-updated_at"], name="postmortem_by_updated")]

    def __str__(self) -> str:
        return f"post-mortem of {self.incident}"

    @property
    def is_published(self) -> bool:
        return self.published_at is not None
