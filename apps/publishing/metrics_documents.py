"""A metric's values as JSON (contract statuspage-public-v2, section 8, "metrics-display"). Pure."""

from __future__ import annotations

import json
from typing import Any

from apps.publishing.charts import PERIODS, Period, mean_of
from apps.publishing.readmodel import MetricFacts, PageModel, PointFacts
from apps.publishing.times import wire_time


def documents(model: PageModel) -> dict[str, bytes]:
    """Return each metric's day, week and month: {path below the page: bytes}."""
    return {
        f"metrics-display/{metric.id}/{period.name}.json": _document(model, metric, period)
        for metric in model.metrics
        for period in PERIODS
    }


def _document(model: PageModel, metric: MetricFacts, period: Period) -> bytes:
    since = model.at - period.span
    points: tuple[PointFacts, ...] = tuple(
        point for point in getattr(metric, period.name) if point.at >= since
    )
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
            "end": wire_time(points[-1].at, model.zone) if points else None,
        },
        "metrics": [
            {
                "metric": {"id": metric.id, "name": metric.name, "unit": metric.unit or None},
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
