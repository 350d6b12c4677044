"""Posts that are written and not public yet: kept, waiting for a second person, or to be posted at a time."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from apps.core.models import PublicModel
from apps.incidents.models.incidents import Incident, IncidentUpdate
from apps.incidents.models.maintenance import Maintenance, MaintenanceUpdate
from apps.pages.models import Page


class Draft(PublicModel):
    """One post as it was asked for. Staff see it; until it is published it is nowhere public and says nothing.

    `asked` is {field: JSON value} in the words of `incidents.drafting`, components by their public ids. `digest`
    stands for the post's exact words and time: whoever approves or edits names the one that they saw.
    `seen_sequence` is the last update that its writer, or who approved it, knew of.
    """

    class Kind(models.TextChoices):
        OPEN_INCIDENT = "open_incident", "New incident"
        POST_UPDATE = "post_update", "Update of an incident"
        CORRECT_UPDATE = "correct_update", "Correction of an incident's update"
        MERGE = "merge", "Merging of two incidents"
        POSTMORTEM = "postmortem", "Post-mortem"
        TELL_PAST = "tell_past", "Past incident"
        ANNOUNCE = "announce", "New maintenance"
        POST_MAINTENANCE = "post_maintenance", "Update of a maintenance"
        CORRECT_MAINTENANCE = "correct_maintenance", "Correction of a maintenance's update"
        CANCEL_MAINTENANCE = "cancel_maintenance", "Cancelling of a maintenance"
        CHANGE_INCIDENT = "change_incident", "Change of an incident"
        CHANGE_MAINTENANCE = "change_maintenance", "Change of a maintenance"
        PLAN_SERIES = "plan_series", "New recurring maintenance"
        CHANGE_SERIES = "change_series", "Change of a recurring maintenance"

    class State(models.TextChoices):
        DRAFT = "draft", "Draft"
        WAITING = "waiting", "Waiting for a publisher"
        SENT_BACK = "sent_back", "Sent back"
        SCHEDULED = "scheduled", "Scheduled"
        REFUSED = "refused", "Could not be posted"
        PUBLISHED = "published", "Posted"
        DISCARDED = "discarded", "Discarded"

    page = models.ForeignKey(Page, on_delete=models.PROTECT, related_name="drafts")
    kind = models.CharField(max_length=20, choices=Kind.choices, editable=False)
    state = models.CharField(
        max_length=10, choices=State.choices, default=State.DRAFT, editable=False
    )
    incident = models.ForeignKey(
        Incident, on_delete=models.PROTECT, null=True, editable=False, related_name="drafts"
    )
    maintenance = models.ForeignKey(
        Maintenance, on_delete=models.PROTECT, null=True, editable=False, related_name="drafts"
    )
    asked = models.JSONField(default=dict, editable=False)
    digest = models.CharField(max_length=64, editable=False)
    seen_sequence = models.PositiveIntegerField(default=0, editable=False)
    publish_at = models.DateTimeField(null=True, editable=False)
    author = models.CharField(max_length=200, editable=False)
    author_key = models.CharField(
        max_length=80, editable=False, help_text="Who wrote the words as they are now."
    )
    approved_by = models.CharField(max_length=200, blank=True, default="", editable=False)
    approved_at = models.DateTimeField(null=True, editable=False)
    note = models.TextField(
        blank=True, default="", editable=False, help_text="Why it was sent back, or not posted."
    )
    settled_at = models.DateTimeField(null=True, editable=False)
    update = models.ForeignKey(
        IncidentUpdate, on_delete=models.PROTECT, null=True, editable=False, related_name="+"
    )
    maintenance_update = models.ForeignKey(
        MaintenanceUpdate, on_delete=models.PROTECT, null=True, editable=False, related_name="+"
    )

    class Meta:
        ordering = ["-updated_at", "-id"]
        constraints = [
            models.CheckConstraint(
                condition=~Q(state="scheduled") | Q(publish_at__isnull=False),
                name="draft_scheduled_has_time",
            ),
            models.CheckConstraint(
                condition=Q(state__in=["published", "discarded"], settled_at__isnull=False)
                | (~Q(state__in=["published", "discarded"]) & Q(settled_at__isnull=True)),
                name="draft_settled_has_time",
            ),
        ]
        indexes = [
            models.Index(fields=["publish_at"], condition=Q(state="scheduled"), name="draft_due"),
            models.Index(
                fields=["page"], condition=Q(settled_at__isnull=True), name="draft_unsettled"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}: {self.subject}"

    @property
    def subject(self) -> str:
        """What it is about, for staff: the name of a new event, else of the event that it belongs to."""
        named = self.asked.get("name") or self.asked.get("series_name")
        return str(named or self.incident or self.maintenance or "–")

    @property
    def is_settled(self) -> bool:
        return self.settled_at is not None
