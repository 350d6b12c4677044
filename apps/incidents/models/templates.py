"""Texts prepared for incidents and maintenance."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from apps.core.models import ArchivableModel
from apps.incidents.models.incidents import Impact
from apps.pages.models import Component, Page
from apps.pages.status import ComponentStatus


class IncidentTemplate(ArchivableModel):
    """A prepared update of a page: title, message, status and components.

    `title` and `message` may hold `{{variables}}`, filled in when it is used. `update_status` is a status of
    incidents or of maintenance (`in_progress` is both; `kind` tells), as in the manage contract's templates.
    """

    class Kind(models.TextChoices):
        INCIDENT = "incident", "Incident"
        MAINTENANCE = "maintenance", "Maintenance"

    page = models.ForeignKey(Page, on_delete=models.PROTECT, related_name="incident_templates")
    name = models.CharField(max_length=120, help_text="For staff.")
    kind = models.CharField(max_length=12, choices=Kind.choices, default=Kind.INCIDENT)
    title = models.CharField(max_length=255, blank=True, default="")
    message = models.TextField(blank=True, default="", help_text="Markdown with {{variables}}.")
    update_status = models.CharField(max_length=16, blank=True, default="")
    impact_override = models.CharField(
        max_length=12, choices=Impact.choices, blank=True, default=""
    )
    components = models.ManyToManyField(Component, related_name="incident_templates", blank=True)
    component_status = models.CharField(
        max_length=24,
        choices=ComponentStatus.choices,
        blank=True,
        default="",
        help_text="The status that its components get; empty: as they are.",
    )
    deliver_notifications = models.BooleanField(default=True)

    class Meta(ArchivableModel.Meta):
        ordering = ["name", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["page", "name"],
                condition=Q(archived_at__isnull=True),
                name="incident_template_name_once",
                violation_error_message="The page has a template with this name already.",
            )
        ]

    def __str__(self) -> str:
        return self.name
