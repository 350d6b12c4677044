"""Reading metrics over time, from aggregates: the same cost however often a metric is measured."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.db.models import (
    Count,
    ExpressionWrapper,
    F,
    Func,
    IntegerField,
    Max,
    Min,
    QuerySet,
    Sum,
)
from django.db.models.functions import Cast

from apps.pages.models import MetricAggregate, MetricPoint


@dataclass(frozen=True, slots=True)
class Sample:
    """The values in a stretch from `at` (UTC)."""

    at: datetime
    count: int
    total: float
    minimum: float
    maximum: float

    @property
    def mean(self) -> float:
        return self.total / self.count

    def joined(self, other: Sample) -> Sample:
        """Return both as one, from this one's start."""
        return Sample(
            self.at,
            self.count + other.count,
            self.total + other.total,
            min(self.minimum, other.minimum),
            max(self.maximum, other.maximum),
        )


@dataclass(frozen=True, slots=True)
class Grain:
    """A series: stretches of `step_s` seconds from aggregates of `size_s`, which divides it, from `since` on."""

    size_s: int
    step_s: int
    since: datetime


def series(
    metric_ids: Collection[int], grains: Collection[Grain], *, until: datetime
) -> list[dict[int, list[Sample]]]:
    """Return {metric id: samples, oldest first} for each grain, one query each and one more.

    The one more reads the points that are not counted yet: those of the past minute, as a rule.
    """
    fresh = _uncounted(metric_ids, grains, until=until)
    return [
        _folded([*_aggregates(metric_ids, grain, until=until), *fresh], grain) for grain in grains
    ]


def _aggregates(
    metric_ids: Collection[int], grain: Grain, *, until: datetime
) -> Iterable[tuple[int, Sample]]:
    rows = MetricAggregate.objects.filter(
        metric__in=metric_ids,
        size_s=grain.size_s,
        started_at__gte=_floored(grain.since, grain.size_s),
        started_at__lte=until,
    )
    if grain.step_s == grain.size_s:
        found = rows.order_by("started_at").values_list(
            "metric_id", "started_at", "count", "total", "minimum", "maximum"
        )
        return [(row[0], Sample(*row[1:])) for row in found]
    summed = _by_stretch(rows, "started_at", grain.step_s).annotate(
        some=Sum("count"), sum=Sum("total"), least=Min("minimum"), most=Max("maximum")
    )
    return _samples(summed, grain.step_s)


def _uncounted(
    metric_ids: Collection[int], grains: Collection[Grain], *, until: datetime
) -> Iterable[tuple[int, Sample]]:
    size_s = min(grain.size_s for grain in grains)
    rows = MetricPoint.objects.filter(
        counted=False,
        metric__in=metric_ids,
        at__gte=min(grain.since for grain in grains),
        at__lte=until,
    )
    summed = _by_stretch(rows, "at", size_s).annotate(
        some=Count("at"), sum=Sum("value"), least=Min("value"), most=Max("value")
    )
    return _samples(summed, size_s)


def _folded(found: Iterable[tuple[int, Sample]], grain: Grain) -> dict[int, list[Sample]]:
    """Bring samples to the grain's stretches."""
    since = _floored(grain.since, grain.step_s)
    stretches: dict[int, dict[datetime, Sample]] = defaultdict(dict)
    for metric_id, sample in found:
        at = _floored(sample.at, grain.step_s)
        if at < since:
            continue
        known = stretches[metric_id].get(at)
        if known is not None:
            sample = known.joined(sample)
        elif sample.at != at:
            sample = Sample(at, sample.count, sample.total, sample.minimum, sample.maximum)
        stretches[metric_id][at] = sample
    return {
        metric_id: [samples[at] for at in sorted(samples)]
        for metric_id, samples in stretches.items()
    }


def _by_stretch(rows: QuerySet[Any], column: str, step_s: int) -> Any:
    seconds = Cast(_Epoch(F(column)), IntegerField())
    stretch = ExpressionWrapper(seconds / step_s, output_field=IntegerField())
    return rows.order_by().annotate(stretch=stretch).values("metric_id", "stretch")


def _samples(rows: Any, step_s: int) -> list[tuple[int, Sample]]:
    return [
        (metric_id, Sample(datetime.fromtimestamp(stretch * step_s, tz=UTC), *values))
        for metric_id, stretch, *values in rows.values_list(
            "metric_id", "stretch", "some", "sum", "least", "most"
        )
    ]


def _floored(at: datetime, step_s: int) -> datetime:
    return datetime.fromtimestamp(at.timestamp() // step_s * step_s, tz=UTC)


class _Epoch(Func):
    """An instant as whole seconds since 1970."""

    template = "FLOOR(EXTRACT(EPOCH FROM %(expressions)s))"
    output_field = IntegerField()

    def as_sqlite(self, compiler: Any, connection: Any, **_: Any) -> Any:
        return self.as_sql(
            compiler, connection, template="CAST(strftime('%%%%s', %(expressions)s) AS INTEGER)"
        )
