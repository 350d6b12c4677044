"""How much room runs take is told on both databases."""

from __future__ import annotations

from datetime import timedelta

import pytest

from apps.monitors.models import Run
from apps.monitors.run_storage import run_storage
from tests.factories import NOW, ScheduleFactory

pytestmark = pytest.mark.django_db


def test_a_run_takes_some_tens_of_bytes_and_more_runs_take_more():
    schedule = ScheduleFactory()
    empty = run_storage()
    Run.objects.bulk_create(
        (
            Run(
                schedule=schedule,
                due_at=NOW + number * timedelta(seconds=20),
                started_at=NOW,
                result="passed",
                duration_ms=90,
            )
            for number in range(5000)
        ),
        batch_size=1000,
    )

    found = run_storage()

    assert (empty.rows, empty.bytes_a_run, found.rows) == (0, None, 5000)
    assert 40 < (found.size_bytes - empty.size_bytes) / 5000 < 300
