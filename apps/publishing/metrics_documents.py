"""A metric's values as JSON (contract statuspage-public-v2, section 8, "metrics-display"). Pure."""

from __future__ import annotations

import json
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from apps.publishing.charts import PERIODS, Period, floored, mean_of
from apps.publishing.readmodel import PageModel, PointFacts
from apps.publishing.times import wire_time


def documents(model: PageModel) -> dict[str, bytes]:
    """Return each metric's day, week and month: {path below the page: bytes}."""
    found = {}
    for metric in model.metrics:
        for period in PERIODS:
            since = floored(model.at, period) - period.span
            points = tuple(point for point in getattr(metric, period.name) if point.at >= since)
            found[f"metrics-display/{metric.id}/{period.name}.json"] = _document(
                metric.id, metric.name, metric.unit, period, points, model.zone
            )
    return found


# Some 15 kB each. A week's and a month's stay as they are for hours.
@lru_cache(maxsize=300)
def _document(
    metric_id: str,
    name: str,
    unit: str,
    period: Period,
    points: tuple[PointFacts, ...],
    zone: ZoneInfo,
) -> bytes:
    summary: dict[str, Any] = {
        "mean": _rounded(mean_of(points)) if points else None,
        "last": _rounded(points[-1].value) if points else None,
    }
    content = {
        "summary": summary,
        "period": {
            "identifier": period.name,
            "interval": period.step_s,
            # As of the newest value: a document changes only where its values do.
            "end": wire_time(points[-1].at, zone) if points else None,
        },
        "metrics": [
            {
                "metric": {"id": metric_id, "name": name, "unit": unit or None},
                "summary": summary,
                "data": [
                    {"timestamp": int(point.at.timestamp()), "value": _rounded(point.value)}
                    for point in points
                ],
            }
        ],
    }
    return json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()


def _rounded(value: float) -> float:
    return float(f"{value:.6g}")
