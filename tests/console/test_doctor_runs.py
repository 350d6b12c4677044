"""The doctor says when runs are not counted, or not let go."""

from __future__ import annotations

from datetime import timedelta

import pytest

from apps.console.doctor.runs import check_runs
from apps.core.clock import database_now
from apps.monitors.models import RunProgress

pytestmark = pytest.mark.django_db


def come_to(*, hours_ago: float, removed_days_ago: float) -> None:
    now = database_now()
    for work in RunProgress.Work:
        RunProgress.objects.create(work=work, until=now - timedelta(hours=hours_ago))
    RunProgress.objects.filter(work="removed").update(until=now - timedelta(days=removed_days_ago))


@pytest.mark.parametrize(
    ("hours_ago", "removed_days_ago", "level", "said"),
    [
        (1.5, 14.9, "ok", "are counted until"),
        (3.5, 14.9, "warning", "UTC only"),
        (1.5, 16.5, "warning", "longer than RUN_RETENTION_DAYS"),
    ],
)
def test_what_is_behind_is_told(hours_ago: float, removed_days_ago: float, level: str, said: str):
    come_to(hours_ago=hours_ago, removed_days_ago=removed_days_ago)

    (found,) = check_runs()

    assert found.level == level
    assert said in found.text


def test_before_anything_was_counted_nothing_is_said():
    assert list(check_runs()) == []
