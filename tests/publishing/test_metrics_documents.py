"""A metric's values as readers' bots want them (contract, section 8)."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from apps.publishing import metrics_documents
from apps.publishing.readmodel import MetricFacts, PointFacts
from tests.factories import NOW
from tests.publishing.models import operational


def document(*points: PointFacts, period: str = "day"):
    metric = MetricFacts("m00000000001", "Latency", "ms", points, points, points)
    found = metrics_documents.documents(replace(operational(), metrics=(metric,)))
    return json.loads(found[f"metrics-display/m00000000001/{period}.json"])


def test_each_metric_has_a_document_for_each_period():
    paths = list(metrics_documents.documents(operational()))

    assert paths[:3] == [
        f"metrics-display/m00000000001/{period}.json" for period in ("day", "week", "month")
    ]


def test_the_summary_has_the_mean_of_all_that_was_measured():
    found = document(PointFacts(NOW - timedelta(minutes=10), 10.0, 9), PointFacts(NOW, 20.0, 1))

    assert found["summary"] == {"mean": 11.0, "last": 20.0}
    assert found["metrics"][0]["summary"] == found["summary"]
    assert found["metrics"][0]["metric"] == {"id": "m00000000001", "name": "Latency", "unit": "ms"}
    assert found["metrics"][0]["data"][1] == {"timestamp": int(NOW.timestamp()), "value": 20.0}
    assert found["period"] == {
        "identifier": "day",
        "interval": 300,
        "end": "2026-03-02T13:00:00.000+01:00",
    }


@pytest.mark.parametrize(("period", "count"), [("day", 0), ("week", 1), ("month", 1)])
def test_a_period_holds_its_own_time(period, count):
    found = document(PointFacts(NOW - timedelta(days=2), 1.0), period=period)

    assert len(found["metrics"][0]["data"]) == count
    assert (found["summary"]["mean"] is None) == (count == 0)
