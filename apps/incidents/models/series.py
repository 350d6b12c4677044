"""Maintenance that comes again by a rule."""

from __future__ import annotations

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q

from apps.core.models import ArchivableModel
from apps.core.validation import validate_time_zone
from apps.pages.models import Component, Page


class MaintenanceSeries(ArchivableModel):
    """A maintenance that recurs: an RFC 5545 rule in a named zone, whose wall-clock time is kept.

    `made_until` is the last start (UTC) for which a maintenance was made; later ones are not made yet.
    `next_announcement_at` is when the next one is to be made (null: the rule gives no more, or it is stopped).
    """

    page = models.ForeignKey(Page, on_delete=models.PROTECT, related_name="maintenance_series")
    name = models.CharField(max_length=255)
    message = models.TextField(blank=True, default="", help_text="The announcement. Markdown.")
    components = models.ManyToManyField(Component, related_name="maintenance_series", blank=True)
    rule = models.CharField(
        max_length=500, help_text="RFC 5545, such as FREQ=WEEKLY;BYDAY=SU. Without DTSTART."
    )
    time_zone = models.CharField(
        max_length=64,
        default="UTC",
        validators=[validate_time_zone],
        help_text="IANA name. The start keeps its wall-clock time there.",
    )
    first_date = models.DateField(help_text="The first day that the rule may give.")
    start_time = models.TimeField(help_text="Wall-clock time in the series' zone.")
    duration_minutes = models.PositiveIntegerField(
        default=60, validators=[MinValueValidator(1), MaxValueValidator(60 * 24 * 31)]
    )
    announce_days = models.PositiveSmallIntegerField(
        default=7,
        validators=[MinValueValidator(1), MaxValueValidator(90)],
        help_text="How many days ahead each one is announced on the page.",
    )
    starts_itself = models.BooleanField(default=True)
    ends_itself = models.BooleanField(default=True)
    deliver_notifications = models.BooleanField(default=True)
    enabled = models.BooleanField(default=True, help_text="A stopped series announces nothing new.")
    made_until = models.DateTimeField(null=True, editable=False)
    next_announcement_at = models.DateTimeField(null=True, editable=False)

    class Meta(ArchivableModel.Meta):
        ordering = ["name", "id"]
        verbose_name_plural = "maintenance series"
        constraints = [
            models.UniqueConstraint(
                fields=["page", "name"],
                condition=Q(archived_at__isnull=True),
                name="maintenance_series_name_once",
                violation_error_message="The page has a series with this name already.",
            )
        ]
        indexes = [
            models.Index(
                fields=["next_announcement_at"],
                condition=Q(next_announcement_at__isnull=False),
                name="maintenance_series_due",
            )
        ]

    def __str__(self) -> str:
        return self.name
