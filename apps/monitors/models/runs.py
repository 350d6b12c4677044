"""What came of each slot.

Runs are written by the thousand: `Run` has no surrogate key, is partitioned by day on PostgreSQL and
WITHOUT ROWID on SQLite (migration 0002), and `Schedule` is narrow so that claiming stays cheap.
"""

from __future__ import annotations

from django.db import models

from apps.monitors.models.schedules import Schedule


class Run(models.Model):
    """The execution of one slot. Key: (schedule, due_at). Written in bulk by the recorder only."""

    class Result(models.TextChoices):
        PASSED = "passed", "Passed"
        FAILED = "failed", "Failed"
        ERROR = "error", "Error"

    pk = models.CompositePrimaryKey("schedule_id", "due_at")
    schedule = models.ForeignKey(
        Schedule,
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        db_index=False,
        related_name="runs",
    )
    due_at = models.DateTimeField()
    started_at = models.DateTimeField()
    result = models.CharField(max_length=6, choices=Result.choices)
    is_manual = models.BooleanField(default=False)
    duration_ms = models.PositiveIntegerField(
        help_text="Of the whole run, with waits between retries."
    )
    response_time_ms = models.PositiveIntegerField(
        null=True, help_text="Sum over the run's requests."
    )
    slowest_request_ms = models.PositiveIntegerField(null=True)
    reason = models.CharField(max_length=300, blank=True, default="")

    class Meta:
        ordering = ["-due_at"]

    def __str__(self) -> str:
        return f"{self.result} {self.due_at:%Y-%m-%d %H:%M:%S}"


class RunDetail(models.Model):
    """The details of a failed, error or manual run. `detail` is CheckOutcome.detail (monitors/checkers)."""

    pk = models.CompositePrimaryKey("schedule_id", "due_at")
    schedule = models.ForeignKey(
        Schedule,
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        db_index=False,
        related_name="details",
    )
    due_at = models.DateTimeField()
    detail = models.JSONField()

    class Meta:
        ordering = ["-due_at"]

    def __str__(self) -> str:
        return f"details of {self.due_at:%Y-%m-%d %H:%M:%S}"


class LatestPass(models.Model):
    """The details of a schedule's newest passed run."""

    schedule = models.OneToOneField(
        Schedule,
        on_delete=models.CASCADE,
        db_constraint=False,
        primary_key=True,
        related_name="latest_pass",
    )
    due_at = models.DateTimeField()
    detail = models.JSONField()

    def __str__(self) -> str:
        return f"newest pass {self.due_at:%Y-%m-%d %H:%M:%S}"
