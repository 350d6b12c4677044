"""Numbers over time: their points, and what is kept of those."""

from __future__ import annotations

from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import Q

from apps.core.models import ArchivableModel
from apps.pages.models.catalogue import Page


class Metric(ArchivableModel):
    """A number shown over time on a page."""

    page = models.ForeignKey(Page, on_delete=models.PROTECT, related_name="metrics")
    name = models.CharField(max_length=120)
    unit = models.CharField(max_length=20, blank=True, default="")
    position = models.PositiveIntegerField(default=1, validators=[MinValueValidator(1)])
    hidden = models.BooleanField(default=False)

    class Meta(ArchivableModel.Meta):
        ordering = ["position", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["page", "name"],
                condition=Q(archived_at__isnull=True),
                name="metric_name_once",
                violation_error_message="The page has a metric with this name already.",
            )
        ]

    def __str__(self) -> str:
        return self.name


class MetricPoint(models.Model):
    """One value of a metric from one source (a link's public id, or empty). Written in bulk only.

    The key makes a repeated write harmless: the same source's value for the same instant is kept once.
    Kept for a day or so; `counted` points are in the metric's aggregates.
    """

    pk = models.CompositePrimaryKey("metric_id", "at", "source")
    metric = models.ForeignKey(
        Metric,
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        db_index=False,
        related_name="points",
    )
    at = models.DateTimeField()
    source = models.CharField(max_length=12, default="")
    value = models.FloatField()
    counted = models.BooleanField(default=False)

    class Meta:
        ordering = ["at"]
        indexes = [
            models.Index(
                fields=["metric", "at"], condition=Q(counted=False), name="point_uncounted"
            )
        ]

    def __str__(self) -> str:
        return f"{self.value} at {self.at:%Y-%m-%d %H:%M:%S}"


class MetricAggregate(models.Model):
    """The counted points of a metric in [started_at, started_at + size_s). Sizes: 5 minutes, an hour, a UTC day."""

    pk = models.CompositePrimaryKey("metric_id", "size_s", "started_at")
    metric = models.ForeignKey(
        Metric,
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        db_index=False,
        related_name="aggregates",
    )
    size_s = models.PositiveIntegerField()
    started_at = models.DateTimeField()
    count = models.PositiveBigIntegerField()
    total = models.FloatField()
    minimum = models.FloatField()
    maximum = models.FloatField()

    class Meta:
        ordering = ["started_at"]
        indexes = [models.Index(fields=["size_s", "started_at"], name="aggregate_by_age")]

    def __str__(self) -> str:
        return f"{self.count} points from {self.started_at:%Y-%m-%d %H:%M}"
