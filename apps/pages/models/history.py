"""What is kept of components for years: closed days, and what staff corrected."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from apps.core.models import PublicModel
from apps.pages.corrections import NOT_MEASURED
from apps.pages.models.catalogue import Component
from apps.pages.status import ComponentStatus


class ClosedDays(models.Model):
    """How far a component's days are closed: those that end by `until` in this zone are in ComponentDay.

    Whatever changes the past lowers `until` in its own transaction, under the component's lock, so that a
    day is right or absent. `revision` is drawn anew whenever what is kept for the component changes.
    """

    component = models.OneToOneField(
        Component, on_delete=models.CASCADE, primary_key=True, related_name="closed_days"
    )
    time_zone = models.CharField(max_length=64)
    first_day = models.DateField(help_text="The day of the component's first period.")
    until = models.DateTimeField()
    revision = models.PositiveBigIntegerField(default=0)

    class Meta:
        verbose_name_plural = "closed days"

    def __str__(self) -> str:
        return f"days until {self.until:%Y-%m-%d %H:%M} in {self.time_zone}"


class ComponentDay(models.Model):
    """A closed calendar day of a component in its page's zone: the seconds in each state.

    Corrections are laid over it; `corrections` holds their reasons, one a line. The component's start date
    is not: readers leave out what is before it. Valid only as far as ClosedDays says.
    """

    pk = models.CompositePrimaryKey("component_id", "day")
    component = models.ForeignKey(
        Component, on_delete=models.CASCADE, db_index=False, related_name="days"
    )
    day = models.DateField()
    ended_at = models.DateTimeField(help_text="The first moment of the next day.")
    built_at = models.DateTimeField()
    operational_s = models.FloatField(default=0.0)
    maintenance_s = models.FloatField(default=0.0)
    degraded_s = models.FloatField(default=0.0)
    partial_s = models.FloatField(default=0.0)
    major_s = models.FloatField(default=0.0)
    unmeasured_s = models.FloatField(default=0.0)
    corrections = models.TextField(blank=True, default="")

    class Meta:
        ordering = ["component", "day"]
        indexes = [models.Index(fields=["component", "built_at"], name="day_by_built")]

    def __str__(self) -> str:
        return str(self.day)


class Correction(PublicModel):
    """Staff's word on a past stretch of a component, [started_at, ended_at). Append only.

    The periods stay as they were recorded; a correction is laid over them, and a later one over earlier
    ones. One that is taken back counts no more and is kept. Readers see `reason`; the author is private.
    """

    class Status(models.TextChoices):
        OPERATIONAL = ComponentStatus.OPERATIONAL.value, "Operational"
        UNDER_MAINTENANCE = ComponentStatus.UNDER_MAINTENANCE.value, "Under maintenance"
        DEGRADED_PERFORMANCE = ComponentStatus.DEGRADED_PERFORMANCE.value, "Degraded performance"
        PARTIAL_OUTAGE = ComponentStatus.PARTIAL_OUTAGE.value, "Partial outage"
        MAJOR_OUTAGE = ComponentStatus.MAJOR_OUTAGE.value, "Major outage"
        NOT_MEASURED = NOT_MEASURED, "Not measured"

    component = models.ForeignKey(Component, on_delete=models.CASCADE, related_name="corrections")
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField()
    status = models.CharField(max_length=24, choices=Status.choices)
    reason = models.CharField(max_length=300, help_text="Readers see it beside the day.")
    author = models.CharField(max_length=200)
    revoked_at = models.DateTimeField(null=True, blank=True)
    revoked_by = models.CharField(max_length=200, blank=True, default="")

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(ended_at__gt=F("started_at")), name="correction_ends_after_start"
            )
        ]
        indexes = [models.Index(fields=["component", "ended_at"], name="correction_by_component")]

    def __str__(self) -> str:
        return f"{self.get_status_display()} from {self.started_at:%Y-%m-%d %H:%M}"
