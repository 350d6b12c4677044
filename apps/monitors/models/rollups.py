"""What is kept of runs when the runs themselves are gone, and how far that has come."""

from __future__ import annotations

from datetime import datetime

from django.db import models
from django.db.models import Q

from apps.monitors.models.schedules import Schedule
from apps.monitors.rollups import Tally, pack, unpack


class RunRollup(models.Model):
    """The tally of one schedule's runs due in one stretch of time (UTC). Key: (schedule, started_at)."""

    pk = models.CompositePrimaryKey("schedule_id", "started_at")
    schedule = models.ForeignKey(
        Schedule,
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        db_index=False,
        related_name="+",
    )
    started_at = models.DateTimeField()
    passed = models.PositiveIntegerField(default=0)
    failed = models.PositiveIntegerField(default=0)
    error = models.PositiveIntegerField(default=0)
    timed = models.PositiveIntegerField(
        default=0, help_text="Passed and failed runs with a response time."
    )
    sum_ms = models.BigIntegerField(default=0)
    lowest_ms = models.PositiveIntegerField(null=True)
    highest_ms = models.PositiveIntegerField(null=True)
    buckets = models.BinaryField(
        default=b"", help_text="The histogram, as monitors/rollups packs it."
    )

    class Meta:
        abstract = True
        ordering = ["started_at"]

    def __str__(self) -> str:
        return f"{self.schedule_id} from {self.started_at:%Y-%m-%d %H:%M}"

    @property
    def tally(self) -> Tally:
        return Tally(
            self.passed,
            self.failed,
            self.error,
            self.timed,
            self.sum_ms,
            self.lowest_ms,
            self.highest_ms,
            unpack(bytes(self.buckets)),
        )

    @classmethod
    def of(cls, schedule_id: int, started_at: datetime, tally: Tally) -> RunRollup:
        """Return the unsaved row."""
        return cls(
            schedule_id=schedule_id,
            started_at=started_at,
            passed=tally.passed,
            failed=tally.failed,
            error=tally.error,
            timed=tally.timed,
            sum_ms=tally.sum_ms,
            lowest_ms=tally.lowest_ms,
            highest_ms=tally.highest_ms,
            buckets=pack(tally.buckets),
        )


class RunHour(RunRollup):
    """One hour."""

    class Meta(RunRollup.Meta):
        pass


class RunDay(RunRollup):
    """One day: its hours, merged."""

    class Meta(RunRollup.Meta):
        pass


class LateRun(models.Model):
    """A run that was recorded when its hour was, or was about to be, rolled up. Gone once it is counted."""

    id = models.BigAutoField(primary_key=True)
    schedule = models.ForeignKey(
        Schedule,
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        db_index=False,
        related_name="+",
    )
    due_at = models.DateTimeField()
    result = models.CharField(max_length=6)
    response_time_ms = models.PositiveIntegerField(null=True)

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return f"{self.schedule_id} at {self.due_at:%Y-%m-%d %H:%M:%S}"


class RunProgress(models.Model):
    """How far a periodic work on runs has come; its rows are locked while a batch of that work is written.

    All before `until` (UTC) is done, and of what follows the schedules up to `done_schedule_id`. Of REMOVED: runs due
    before `until` are no longer complete, and must not be counted again.
    """

    class Work(models.TextChoices):
        HOURS = "hours", "Hours rolled up"
        DAYS = "days", "Days rolled up"
        DETAILS = "details", "Details thinned"
        REMOVED = "removed", "Runs removed"

    work = models.CharField(max_length=8, choices=Work.choices, primary_key=True)
    until = models.DateTimeField()
    done_schedule_id = models.BigIntegerField(default=0)

    class Meta:
        ordering = ["work"]
        constraints = [
            models.CheckConstraint(
                condition=Q(done_schedule_id__gte=0), name="progress_not_negative"
            )
        ]

    def __str__(self) -> str:
        return f"{self.work} until {self.until:%Y-%m-%d %H:%M}"
