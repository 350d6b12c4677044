"""Reading metrics over time, from aggregates: the same cost however often a metric is measured."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Generic, TypeVar

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

Made = TypeVar("Made")
_Held = tuple[datetime, dict[int, tuple[Made, ...]]]

# Samples, some 140 bytes each; a metric has about 640.
_MOST_HELD = 200_000
# Points come a little late: the newest stretches are read each time.
_SLACK = timedelta(minutes=10)


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
    """A series: stretches of `step_s` seconds from aggregates of `size_s`, which divides it, from `since` on.

    Without `with_present` the stretch that is going on is left out.
    """

    size_s: int
    step_s: int
    since: datetime
    with_present: bool = True


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


class SeriesReader(Generic[Made]):
    """Reads series, each sample as what `make` makes of it.

    What is settled is held until the next stretch of its series: of that, points that come later than some
    minutes are seen then. For one process; threads may share it.
    """

    def __init__(self, make: Callable[[Sample], Made], *, most_held: int = _MOST_HELD) -> None:
        self._make = make
        self._most_held = most_held
        self._held: dict[object, _Held[Made]] = {}

    def read(
        self, metrics: Mapping[int, str], grains: Sequence[Grain], *, until: datetime
    ) -> list[dict[int, tuple[Made, ...]]]:
        """Return {metric id: samples, oldest first} for each grain. `metrics` are {id: public id}."""
        settled = [_settled(grain, until) for grain in grains]
        # By public ids, which are never used again.
        keys = [(grain.size_s, grain.step_s, *sorted(metrics.values())) for grain in grains]
        already = self._held
        missing = [
            place
            for place, key in enumerate(keys)
            if key not in already or already[key][0] != settled[place]
        ]
        cold = series(metrics, [grains[place] for place in missing], until=until) if missing else []
        held: dict[object, _Held[Made]] = {key: already[key] for key in keys if key in already}
        for place, found in zip(missing, cold, strict=True):
            held[keys[place]] = (settled[place], self._made(found, before=settled[place]))
        self._hold(held)
        # Of a grain that was read whole its newest samples are known.
        fresh = dict(zip(missing, cold, strict=True))
        moving = [
            place for place, grain in enumerate(grains) if grain.with_present and place not in fresh
        ]
        tails = [replace(grains[place], since=settled[place]) for place in moving]
        fresh |= zip(moving, series(metrics, tails, until=until) if tails else [], strict=True)
        result = []
        for place, grain in enumerate(grains):
            known = held[keys[place]][1]
            if grain.with_present:
                newest = self._made(fresh[place], since=settled[place])
                known = {pk: known.get(pk, ()) + newest.get(pk, ()) for pk in {*known, *newest}}
            result.append(known)
        return result

    def _hold(self, found: Mapping[object, _Held[Made]]) -> None:
        """Hold what was found; all else goes when there is too much."""
        held = {**self._held, **found}
        samples = sum(len(one) for _, made in held.values() for one in made.values())
        self._held = held if samples <= self._most_held else dict(found)

    def _made(
        self,
        found: Mapping[int, Sequence[Sample]],
        *,
        since: datetime | None = None,
        before: datetime | None = None,
    ) -> dict[int, tuple[Made, ...]]:
        return {
            pk: tuple(
                self._make(sample)
                for sample in samples
                if (since is None or sample.at >= since) and (before is None or sample.at < before)
            )
            for pk, samples in found.items()
        }


def _settled(grain: Grain, until: datetime) -> datetime:
    """Return until when the series hardly changes any more.

    What leaves out the present stretch gets the next one when points that come a little late are in it.
    """
    if grain.with_present:
        return _floored(until, grain.step_s) - _SLACK
    return _floored(until - _SLACK, grain.step_s)


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
        # Not ordered here: SQLite would read that stretch of all metrics there are, to have them in order.
        found = rows.order_by().values_list(
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
