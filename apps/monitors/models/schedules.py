"""When a monitor is due at a location, and what it has not measured there."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from apps.core.models import LeasedRow
from apps.monitors.models.locations import Location
from apps.monitors.models.monitors import Monitor


class Schedule(LeasedRow):
    """One monitor at one location: when it is due, who runs it now, and its streak there.

    A claim takes the slots `slot_at`, `slot_at + interval`, … (`slot_count` of them); while `slot_at` is set they
    are not all recorded yet. `missed` counts slots that were never claimed, `overruns` those that came due
    while a run went on. `streak` is the number of equal results in a row (errors leave it alone).
    """

    id = models.BigAutoField(primary_key=True)
    monitor = models.ForeignKey(Monitor, on_delete=models.CASCADE, related_name="schedules")
    location = models.ForeignKey(Location, on_delete=models.PROTECT, related_name="schedules")
    is_active = models.BooleanField(
        default=True, help_text="The monitor is enabled and not archived."
    )
    interval_s = models.PositiveIntegerField(
        null=True, help_text="As the monitor's; null: crontab."
    )
    removed_at = models.DateTimeField(
        null=True, help_text="When the location was taken off the monitor; its history stays."
    )
    next_run_at = models.DateTimeField(
        null=True, help_text="The next slot that nobody has claimed."
    )
    run_now_at = models.DateTimeField(
        null=True, help_text="A run asked for by a person, not yet claimed."
    )
    slot_at = models.DateTimeField(
        null=True, help_text="The first claimed slot that is not recorded."
    )
    slot_count = models.PositiveSmallIntegerField(default=0)
    slot_is_manual = models.BooleanField(default=False)
    is_adopted = models.BooleanField(default=False)
    streak = models.PositiveIntegerField(default=0)
    streak_is_failing = models.BooleanField(default=False)
    streak_started_at = models.DateTimeField(
        null=True, help_text="Due time of the streak's first run."
    )
    is_failing = models.BooleanField(
        default=False, help_text="The streak has reached its threshold."
    )
    last_due_at = models.DateTimeField(null=True)
    last_finished_at = models.DateTimeField(null=True)
    last_result = models.CharField(max_length=6, blank=True, default="")
    owed_since = models.DateTimeField(
        null=True,
        help_text="The first slot after the last run that measured; nobody has measured since then.",
    )
    missed = models.PositiveIntegerField(default=0)
    overruns = models.PositiveIntegerField(default=0)

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["monitor", "location"], name="schedule_once")
        ]
        indexes = [
            models.Index(fields=["next_run_at"], condition=Q(is_active=True), name="schedule_due"),
            models.Index(
                fields=["leased_until"], condition=Q(slot_at__isnull=False), name="schedule_leased"
            ),
            models.Index(
                fields=["run_now_at"],
                condition=Q(run_now_at__isnull=False),
                name="schedule_run_now",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.monitor_id} at {self.location_id}"


class UnmeasuredStretch(models.Model):
    """A stretch, end exclusive, in which a schedule measured nothing: missed slots, or errors only.

    While it lasts its end is moved. It begins with the first slot owed, which names it.
    """

    id = models.BigAutoField(primary_key=True)
    schedule = models.ForeignKey(Schedule, on_delete=models.CASCADE, related_name="unmeasured")
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField()

    class Meta:
        ordering = ["-started_at", "-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["schedule", "started_at"], name="unmeasured_stretch_once"
            ),
            models.CheckConstraint(
                condition=Q(ended_at__gt=F("started_at")), name="unmeasured_ends_after_start"
            ),
        ]
        indexes = [models.Index(fields=["ended_at"], name="unmeasured_by_end")]

    def __str__(self) -> str:
        return f"not measured from {self.started_at:%Y-%m-%d %H:%M}"
