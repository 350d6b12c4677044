"""Staff see which locations have a worker, and whether their own network is at fault."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse

from apps.accounts.models import User
from apps.console.dashboard import dashboard
from apps.console.doctor.locations import check_locations
from apps.core.clock import database_now
from apps.monitors.models import Location, LocationState
from apps.monitors.selectors import dispatch_lag_s
from tests.factories import LocationFactory, ScheduleFactory, UserFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def location() -> Location:
    """The place Europe, where one monitor is overdue."""
    Location.objects.filter(code="default").update(reference_targets=["https://example.com/"])
    made: Location = LocationFactory(code="eu-west", name="Europe", worker=False)
    ScheduleFactory(location=made, next_run_at=database_now() - timedelta(minutes=5))
    return made


def seen(location: Location, *, ago_s: float, failing_for_s: float | None = None) -> None:
    now = database_now()
    LocationState.objects.update_or_create(
        location=location,
        defaults={
            "seen_at": now - timedelta(seconds=ago_s),
            "references_checked_at": now,
            "references_failing_since": None
            if failing_for_s is None
            else now - timedelta(seconds=failing_for_s),
        },
    )


def notices() -> list[str]:
    found = dashboard(UserFactory(admin=True))["troubles"]
    return [f"{one.what} {one.advice}" for one in found if "Europe" in one.what]


def test_a_location_that_never_had_a_worker_is_shown(location: Location, listed: Listed):
    (notice,) = notices()

    assert "has never had a worker: what runs there is not measured" in notice
    assert "checks.eu-west" in notice
    assert "Never seen" in listed(location)
    assert [one.level for one in check_locations() if "eu-west" in one.subject] == [
        "problem",
        "warning",
    ]


def test_a_location_whose_worker_is_gone_is_shown(location: Location, listed: Listed):
    seen(location, ago_s=300)

    (notice,) = notices()

    assert "has had no worker for 300 s" in notice
    assert "None for 5 min" in listed(location)


def test_a_location_with_a_worker_is_no_news(location: Location, listed: Listed):
    seen(location, ago_s=3)

    assert notices() == []
    assert "Alive" in listed(location)
    assert "the rule is off" in listed(location)


def test_a_location_where_nothing_runs_needs_no_worker():
    LocationFactory(code="eu-west", name="Europe", worker=False)

    assert notices() == []
    assert [one.level for one in check_locations() if "eu-west" in one.subject] == ["note", "note"]


def test_that_no_reference_target_answers_is_shown_with_its_time(
    location: Location, listed: Listed
):
    Location.objects.filter(pk=location.pk).update(reference_targets=["192.0.2.1:53"])
    seen(location, ago_s=3, failing_for_s=60)

    (notice,) = notices()

    assert "None of the reference targets of the location Europe has answered since" in notice
    assert "None has answered since" in listed(location)
    found = [one for one in check_locations() if "eu-west" in one.subject]
    assert [one.level for one in found] == ["ok", "problem"]


def test_the_monitors_page_says_where_it_is_not_measured(location: Location, admin: Client):
    (schedule,) = location.schedules.all()
    url = reverse("admin:monitors_monitor_change", args=[schedule.monitor_id])

    without = admin.get(url).content.decode()
    seen(location, ago_s=1)
    again = admin.get(url).content.decode()

    assert "Europe has no worker: nothing runs there until one is started." in without
    assert "Not measured</span>" in without
    # What has passed is no due time.
    assert "UTC</li>" not in without
    assert "has no worker" not in again
    assert "UTC</li>" in again


def test_what_waits_for_a_worker_does_not_make_the_scheduler_late(location: Location):
    assert dispatch_lag_s() == 0
    seen(location, ago_s=1)

    assert dispatch_lag_s() > 200


def test_the_list_costs_the_same_for_one_location_and_for_many(
    admin: Client, django_assert_max_num_queries: Callable[..., object]
):
    for location in LocationFactory.create_batch(20):
        ScheduleFactory(location=location)
        seen(location, ago_s=1)

    with django_assert_max_num_queries(12):  # type: ignore[attr-defined]
        admin.get(reverse("admin:monitors_location_changelist"))


Listed = Callable[[Location], str]


@pytest.fixture
def admin(client: Client) -> Client:
    user: User = UserFactory(admin=True)
    client.force_login(user)
    return client


@pytest.fixture
def listed(admin: Client) -> Listed:
    """What the list of locations and the location's page say."""

    def read(location: Location) -> str:
        pages = [
            reverse("admin:monitors_location_changelist"),
            reverse("admin:monitors_location_change", args=[location.pk]),
        ]
        first, second = (admin.get(url).content.decode() for url in pages)
        assert ("the rule is off" in first) == ("the rule is off" in second)
        return first

    return read


def test_a_reference_target_that_cannot_be_read_is_refused_at_its_field(
    location: Location, admin: Client
):
    url = reverse("admin:monitors_location_change", args=[location.pk])

    answer = admin.post(url, {"name": "Europe", "targets": "https://example.com/\nexample.com"})

    assert answer.status_code == 200
    assert "Give a URL or host:port." in answer.content.decode()
    location.refresh_from_db()
    assert location.reference_targets == []


def test_what_waits_and_runs_at_a_location_is_shown_with_its_lag(
    location: Location, listed: Listed
):
    now = database_now()
    ScheduleFactory(
        location=location, next_run_at=now, slot_at=now, leased_until=now + timedelta(seconds=15)
    )
    ScheduleFactory(location=location, next_run_at=now + timedelta(hours=1))

    page = listed(location)

    assert "1 waiting</span>" in page
    assert "1 running</span>" in page
    assert "5 min" in page
    assert f'<a href="/admin/monitors/monitor/?location={location.pk}">3 run here</a>' in page
