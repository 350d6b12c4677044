"""Counting points into aggregates, each exactly once, and taking away what is old.

A point is marked as counted in the transaction that adds it to its aggregates: wherever a process dies it is
counted once, however late it came.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import connection, transaction
from django.db.models import Exists, OuterRef

from apps.pages.models import Metric, MetricPoint

FIVE_MINUTES_S, HOUR_S, DAY_S = 300, 3_600, 86_400
SIZES_S = (FIVE_MINUTES_S, HOUR_S, DAY_S)
# Some 40 ms of the one write lock on SQLite, as measured; the task pauses between turns.
POINTS_A_TURN = 2_000
# Longer than a chart of the past day looks back.
KEEP_POINTS = timedelta(hours=26)
KEEP_AGGREGATES = {FIVE_MINUTES_S: timedelta(hours=26), HOUR_S: timedelta(days=31)}
_DELETED_A_TURN = 2_000
_METRICS_A_TURN = 20

_TAKE = """
UPDATE pages_metricpoint SET counted = {true}
WHERE (metric_id, at, source) IN (
    SELECT metric_id, at, source FROM pages_metricpoint
    WHERE NOT counted ORDER BY metric_id, at LIMIT %s {skip_locked})
RETURNING metric_id, at, value
"""
_ADD = """
INSERT INTO pages_metricaggregate (metric_id, size_s, started_at, count, total, minimum, maximum)
VALUES (%s, %s, %s, %s, %s, %s, %s)
ON CONFLICT (metric_id, size_s, started_at) DO UPDATE SET
    count = pages_metricaggregate.count + EXCLUDED.count,
    total = pages_metricaggregate.total + EXCLUDED.total,
    minimum = CASE WHEN EXCLUDED.minimum < pages_metricaggregate.minimum
        THEN EXCLUDED.minimum ELSE pages_metricaggregate.minimum END,
    maximum = CASE WHEN EXCLUDED.maximum > pages_metricaggregate.maximum
        THEN EXCLUDED.maximum ELSE pages_metricaggregate.maximum END
"""
_DELETE_POINTS = """
DELETE FROM pages_metricpoint WHERE (metric_id, at, source) IN (
    SELECT metric_id, at, source FROM pages_metricpoint
    WHERE metric_id = %s AND at < %s AND counted ORDER BY metric_id, at LIMIT %s)
"""
_DELETE_AGGREGATES = """
DELETE FROM pages_metricaggregate WHERE (metric_id, size_s, started_at) IN (
    SELECT metric_id, size_s, started_at FROM pages_metricaggregate
    WHERE size_s = %s AND started_at < %s ORDER BY size_s, started_at LIMIT %s)
"""


@transaction.atomic
def count_points() -> bool:
    """Add points that are not counted yet to their aggregates. Say whether more are likely to wait.

    Two at once share the work. The number of statements does not grow with the points.
    """
    is_sqlite = connection.vendor == "sqlite"
    take = _TAKE.format(
        true="1" if is_sqlite else "TRUE", skip_locked="" if is_sqlite else "FOR UPDATE SKIP LOCKED"
    )
    with connection.cursor() as cursor:
        cursor.execute(take, [POINTS_A_TURN])
        taken = cursor.fetchall()
        if taken:
            cursor.executemany(_ADD, _summed((pk, _instant(at), value) for pk, at, value in taken))
    return len(taken) == POINTS_A_TURN


def prune_metrics(*, at: datetime) -> bool:
    """Delete some counted points and aggregates that are too old at `at`. Say whether more are left.

    In short statements of their own, so that nobody waits for them.
    """
    oldest = at - KEEP_POINTS
    aged = MetricPoint.objects.filter(metric=OuterRef("pk"), at__lt=oldest, counted=True)
    metrics = list(
        Metric.objects.filter(Exists(aged))
        .order_by("pk")
        .values_list("pk", flat=True)[:_METRICS_A_TURN]
    )
    found = [_delete(_DELETE_POINTS, metric_id, oldest) for metric_id in metrics]
    found += [
        _delete(_DELETE_AGGREGATES, size_s, at - kept) for size_s, kept in KEEP_AGGREGATES.items()
    ]
    return len(metrics) == _METRICS_A_TURN or any(count == _DELETED_A_TURN for count in found)


def _delete(statement: str, key: int, before: datetime) -> int:
    with connection.cursor() as cursor:
        cursor.execute(statement, [key, _column(before), _DELETED_A_TURN])
        return int(cursor.rowcount)


def _summed(points: Iterable[tuple[int, datetime, float]]) -> Sequence[tuple[Any, ...]]:
    """Return the rows to add, in the key's order: two that add to the same rows must not wait crosswise."""
    values: dict[tuple[int, int, int], list[float]] = {}
    for metric_id, at, value in points:
        second = math.floor(at.timestamp())
        for size_s in SIZES_S:
            values.setdefault((metric_id, size_s, second // size_s * size_s), []).append(value)
    return [
        (
            metric_id,
            size_s,
            _column(datetime.fromtimestamp(started, tz=UTC)),
            len(found),
            math.fsum(found),
            min(found),
            max(found),
        )
        for (metric_id, size_s, started), found in sorted(values.items())
    ]


def _column(at: datetime) -> Any:
    """The instant as the database's columns hold it."""
    return connection.ops.adapt_datetimefield_value(at)


def _instant(value: Any) -> datetime:
    """An instant as a plain cursor gives it: SQLite keeps it as text, in UTC."""
    if isinstance(value, datetime):
        return value
    return datetime.fromisoformat(value).replace(tzinfo=UTC)
