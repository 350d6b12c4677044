"""Which certificates end soon, as the overview tells it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from apps.monitors.certificates import certificates_until
from apps.monitors.models import Certificate, LatestPass, Schedule
from apps.monitors.services.certificates import note_certificates, soonest
from tests.factories import NOW, MonitorFactory, ScheduleFactory

pytestmark = pytest.mark.django_db

SOON = NOW + timedelta(days=10)
LATER = NOW + timedelta(days=90)


def passed(*ends: Any, schedule: Schedule | None = None) -> Schedule:
    schedule = schedule or ScheduleFactory()
    LatestPass.objects.update_or_create(
        schedule=schedule, defaults={"due_at": NOW, "detail": record(*ends)}
    )
    return schedule


def record(*ends: Any) -> dict[str, Any]:
    return {
        "requests": [
            {
                "attempts": [
                    {
                        "url": f"https://host{n}.example/path",
                        "certificate_expires_at": end.isoformat() if end else None,
                    }
                ]
            }
            for n, end in enumerate(ends)
        ]
    }


def test_the_first_to_end_counts():
    assert soonest(record(LATER, SOON, None)) == ("host1.example", SOON)
    assert soonest(record(None)) is None
    assert soonest({}) is None
    assert soonest({"requests": [{"attempts": []}]}) is None


def test_those_that_end_in_time_are_told_the_first_first():
    late, soon = passed(NOW + timedelta(days=20)), passed(SOON)
    passed(LATER)
    passed(None)

    note_certificates()

    found = certificates_until(NOW + timedelta(days=30))
    assert [row.schedule for row in found] == [soon, late]
    assert Certificate.objects.count() == 3


def test_a_renewed_certificate_is_told_no_more():
    schedule = passed(SOON)
    note_certificates()
    passed(LATER, schedule=schedule)

    assert note_certificates() == 1

    assert not certificates_until(NOW + timedelta(days=30)).exists()


def test_a_monitor_without_tls_any_more_has_none():
    schedule = passed(SOON)
    note_certificates()
    passed(None, schedule=schedule)

    note_certificates()

    assert not Certificate.objects.exists()


def test_of_archived_monitors_nothing_is_told():
    passed(SOON, schedule=ScheduleFactory(monitor=MonitorFactory(archived_at=timezone.now())))

    note_certificates()

    assert not certificates_until(LATER).exists()


def test_what_did_not_change_is_not_written(django_assert_num_queries: Any):
    for _ in range(5):
        passed(SOON)
    note_certificates()

    with django_assert_num_queries(3):
        assert note_certificates() == 0
