"""What is said about components, and what was true of them for how long."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from apps.pages.models.catalogue import Component
from apps.pages.status import ComponentStatus


class StatusContribution(models.Model):
    """One source's opinion of a component's status.

    `source` and `key` name the holder: staff "", a link the integration link's public id, an incident or
    maintenance its public id. `since` is when the source came to this opinion; a link's mute ends when
    (status, since) changes. `label` is what staff read as the source.
    """

    class Source(models.TextChoices):
        STAFF = "staff", "Staff"
        LINK = "link", "Monitor"
        INCIDENT = "incident", "Incident"
        MAINTENANCE = "maintenance", "Maintenance"

    component = models.ForeignKey(Component, on_delete=models.CASCADE, related_name="contributions")
    source = models.CharField(max_length=12, choices=Source.choices)
    key = models.CharField(max_length=80, blank=True, default="")
    label = models.CharField(max_length=200, blank=True, default="")
    status = models.CharField(max_length=24, choices=ComponentStatus.choices)
    since = models.DateTimeField()
    muted = models.BooleanField(default=False)

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(
                fields=["component", "source", "key"], name="contribution_once_per_source"
            ),
            models.CheckConstraint(
                condition=Q(muted=False) | Q(source="link"), name="only_links_are_muted"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_source_display()} says {self.get_status_display()}"


class StatusPeriod(models.Model):
    """An unbroken stretch of one derived status. Exactly one is open per component; they never overlap.

    Where a person takes up a failure that a monitor had found, the stretch is split at that moment, so that
    `spoken` is true of all of it; the component's `status_since` stays.
    """

    id = models.BigAutoField(primary_key=True)
    component = models.ForeignKey(Component, on_delete=models.CASCADE, related_name="periods")
    status = models.CharField(max_length=24, choices=ComponentStatus.choices)
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)
    spoken = models.BooleanField(
        default=False,
        help_text="A person, an incident or a maintenance said so: it counts also where nobody measured.",
    )

    class Meta:
        ordering = ["started_at", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["component"],
                condition=Q(ended_at__isnull=True),
                name="period_one_open_per_component",
            ),
            models.CheckConstraint(
                condition=Q(ended_at__isnull=True) | Q(ended_at__gt=F("started_at")),
                name="period_ends_after_start",
            ),
        ]
        indexes = [models.Index(fields=["component", "ended_at"], name="period_by_component")]

    def __str__(self) -> str:
        return f"{self.get_status_display()} from {self.started_at:%Y-%m-%d %H:%M}"


class MeasurementGap(models.Model):
    """A stretch in which nobody measured the component. It leaves the denominator of uptime."""

    component = models.ForeignKey(Component, on_delete=models.CASCADE, related_name="gaps")
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField()

    class Meta:
        ordering = ["started_at", "id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(ended_at__gt=F("started_at")), name="gap_ends_after_start"
            )
        ]
        indexes = [models.Index(fields=["component", "ended_at"], name="gap_by_component")]

    def __str__(self) -> str:
        return f"not measured from {self.started_at:%Y-%m-%d %H:%M}"
