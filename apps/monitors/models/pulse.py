"""How the engines keep time, minute by minute: for the overview, kept for a day."""

from __future__ import annotations

from django.db import models


class EngineMinute(models.Model):
    """The runs that one engine began in one minute (UTC), and how late it began them."""

    id = models.BigAutoField(primary_key=True)
    engine = models.CharField(max_length=16, help_text="A name that each engine gives itself.")
    minute = models.DateTimeField()
    runs = models.PositiveIntegerField()
    lowest_ms = models.PositiveIntegerField()
    highest_ms = models.PositiveIntegerField()
    buckets = models.BinaryField(
        help_text="Histogram of started_at - due_at in ms, as monitors/rollups packs it."
    )

    class Meta:
        ordering = ["minute", "id"]
        constraints = [
            # Led by the minute: the overview reads the last hour, and old minutes are deleted.
            models.UniqueConstraint(fields=["minute", "engine"], name="engine_minute_once")
        ]

    def __str__(self) -> str:
        return f"{self.runs} runs in {self.minute:%Y-%m-%d %H:%M}"
