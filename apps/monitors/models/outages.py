"""Whether a monitor fails, over its locations."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from apps.core.models import PublicModel
from apps.monitors.models.monitors import Monitor


class MonitorState(models.Model):
    """A monitor's state over its locations. Locked before locations are counted for the quorum."""

    monitor = models.OneToOneField(
        Monitor, on_delete=models.CASCADE, primary_key=True, related_name="state"
    )
    is_failing = models.BooleanField(default=False)
    changed_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return "failing" if self.is_failing else "passing"


class OutageQuerySet(models.QuerySet["Outage"]):
    def open(self) -> OutageQuerySet:
        return self.filter(closed_at__isnull=True)


class Outage(PublicModel):
    """One unbroken stretch in which a monitor is failing; at most one is open per monitor.

    `started_at` is the first failing run of the streak, `opened_at` when the threshold was reached.
    """

    class CloseReason(models.TextChoices):
        RECOVERED = "recovered", "Recovered"
        REMOVED = "removed", "Monitor removed"

    monitor = models.ForeignKey(Monitor, on_delete=models.PROTECT, related_name="outages")
    started_at = models.DateTimeField()
    opened_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True, blank=True)
    close_reason = models.CharField(
        max_length=12, choices=CloseReason.choices, blank=True, default=""
    )
    reason = models.CharField(max_length=300, blank=True, default="", help_text="For staff only.")

    objects = OutageQuerySet.as_manager()

    class Meta:
        ordering = ["-opened_at", "-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["monitor"],
                condition=Q(closed_at__isnull=True),
                name="outage_one_open_per_monitor",
            ),
            models.CheckConstraint(
                condition=Q(started_at__lte=F("opened_at"))
                & (Q(closed_at__isnull=True) | Q(closed_at__gte=F("opened_at"))),
                name="outage_times_in_order",
            ),
        ]
        indexes = [
            models.Index(fields=["-opened_at", "-id"], name="outage_newest_first"),
            models.Index(fields=["monitor", "closed_at"], name="outage_of_monitor_by_end"),
        ]

    def __str__(self) -> str:
        return f"{self.monitor} from {self.opened_at:%Y-%m-%d %H:%M}"

    @property
    def is_open(self) -> bool:
        return self.closed_at is None
