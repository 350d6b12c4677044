"""Which certificate a schedule's newest passed run was shown."""

from __future__ import annotations

from django.db import models

from apps.monitors.models.schedules import Schedule


class Certificate(models.Model):
    """The certificate that ends first of those that the run was shown. Read from its details every few minutes."""

    schedule = models.OneToOneField(
        Schedule, on_delete=models.CASCADE, primary_key=True, related_name="certificate"
    )
    host = models.CharField(max_length=253)
    expires_at = models.DateTimeField(db_index=True)

    class Meta:
        ordering = ["expires_at", "pk"]

    def __str__(self) -> str:
        return f"{self.host} until {self.expires_at:%Y-%m-%d}"
