"""A run that a person asks for, and the screen on which they wait for it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from apps.accounts.models import User
from apps.accounts.roles import Role
from apps.core.clock import database_now
from apps.monitors.models import Monitor, RunDetail, Schedule
from tests.factories import (
    IntegrationFactory,
    LocationFactory,
    MembershipFactory,
    MonitorFactory,
    RunFactory,
    ScheduleFactory,
    UserFactory,
)

pytestmark = pytest.mark.django_db


def _person(monitor: Monitor, role: Role) -> Client:
    user: User = UserFactory()
    MembershipFactory(user=user, workspace=monitor.workspace, role=role)
    client = Client()
    client.force_login(user)
    return client


def _run_now(monitor: Monitor) -> str:
    return reverse("admin:monitors_monitor_run_now", args=[monitor.pk])


def _monitor_with_schedule() -> tuple[Monitor, Schedule]:
    monitor = MonitorFactory()
    return monitor, ScheduleFactory(monitor=monitor)


def test_the_button_runs_a_monitor_that_nothing_hangs_on_at_once(console: Client):
    monitor, schedule = _monitor_with_schedule()

    response = console.post(_run_now(monitor), {"at_once": "1"})

    schedule.refresh_from_db()
    assert schedule.run_now_at is not None
    assert "/asked/" in response["Location"]
    assert "Waiting for a worker" in console.get(response["Location"]).content.decode()


def test_the_button_asks_first_where_readers_may_see_what_comes_of_it(console: Client):
    monitor, schedule = _monitor_with_schedule()
    IntegrationFactory(monitor=monitor, nickname="Orders to Acme")

    asked = console.post(_run_now(monitor), {"at_once": "1"}, follow=True)
    schedule.refresh_from_db()
    before = schedule.run_now_at
    answered = console.post(_run_now(monitor))

    schedule.refresh_from_db()
    assert "Orders to Acme" in asked.content.decode()
    assert before is None
    assert schedule.run_now_at is not None
    assert "/asked/" in answered["Location"]


def test_a_paused_monitor_cannot_be_run(console: Client):
    monitor = MonitorFactory(paused=True)

    assert console.post(_run_now(monitor), {"at_once": "1"}).status_code == 403


def _asked_page(client: Client, monitor: Monitor, **query: str) -> str:
    since = round((database_now() - timedelta(minutes=1)).timestamp() * 1_000_000)
    url = reverse("admin:monitors_monitor_asked", args=[monitor.pk, since])
    return str(client.get(url, query).content.decode())


def test_the_run_is_shown_as_soon_as_it_is_over(console: Client):
    monitor, schedule = _monitor_with_schedule()
    due_at = database_now()
    before = _asked_page(console, monitor, part="1")
    RunFactory(schedule=schedule, due_at=due_at, is_manual=True)
    RunDetail.objects.create(
        schedule=schedule,
        due_at=due_at,
        detail={
            "requests": [
                {
                    "name": "Health",
                    "method": "GET",
                    "state": "passed",
                    "attempts": [
                        {
                            "state": "passed",
                            "status": 200,
                            "timings": {
                                "dns_ms": 5.0,
                                "connect_ms": 10.0,
                                "tls_ms": 0.0,
                                "first_byte_ms": 25.0,
                                "total_ms": 50.0,
                            },
                            "headers": [["X-Region", "eu"]],
                            "body": '{"state": "up"}',
                            "assertions": [
                                {"text": "status equals 200", "passed": True, "actual": "200"},
                                {"text": "body contains x", "passed": False, "message": 'got "y"'},
                            ],
                        }
                    ],
                }
            ]
        },
    )

    after = _asked_page(console, monitor, part="1")

    assert 'data-waiting-state="waiting"' in before
    assert 'data-waiting-state="over"' in after
    assert "<html" not in after
    for phase, spent in (("DNS", "5.0 ms"), ("Transfer", "10 ms"), ("Total", "50 ms")):
        assert f'>{phase}</th><td class="console-nowrap">{spent}</td>' in after
    assert 'x="300.0" y="0" width="500.0"' in after  # First byte: from 15 ms on, 25 of 50 ms.
    assert "<td>status equals 200</td><td>200</td>" in after
    assert "<td>body contains x</td><td>&quot;y&quot;</td>" in after
    assert "X-Region" in after


def test_a_location_without_a_worker_is_named(console: Client):
    monitor = MonitorFactory()
    ScheduleFactory(monitor=monitor, location=LocationFactory(name="Mars", worker=False))

    page = _asked_page(console, monitor)

    assert "Mars" in page
    assert "No worker: it runs when there is one" in page


def test_scheduled_and_earlier_runs_do_not_answer_for_the_one_asked_for(console: Client):
    monitor, schedule = _monitor_with_schedule()
    RunFactory(schedule=schedule, due_at=database_now(), is_manual=False)
    RunFactory(schedule=schedule, due_at=database_now() - timedelta(hours=1), is_manual=True)

    assert 'data-waiting-state="waiting"' in _asked_page(console, monitor, part="1")


def test_who_sees_the_monitor_sees_the_run_and_nobody_else(console: Client):
    monitor, _ = _monitor_with_schedule()
    url = reverse("admin:monitors_monitor_asked", args=[monitor.pk, 1])
    too_large = reverse("admin:monitors_monitor_asked", args=[monitor.pk, 10**30])

    assert _person(monitor, Role.VIEWER).get(url).status_code == 200
    assert _person(MonitorFactory(), Role.ADMIN).get(url).status_code == 404
    assert console.get(too_large).status_code == 404
    assert "It did not run" in console.get(url).content.decode()


def test_waiting_costs_the_same_for_many_locations(
    console: Client, django_assert_max_num_queries: Any
):
    monitor, _ = _monitor_with_schedule()
    _asked_page(console, monitor)
    with django_assert_max_num_queries(20) as few:
        _asked_page(console, monitor)
    for _ in range(5):
        ScheduleFactory(monitor=monitor)

    with django_assert_max_num_queries(len(few)):
        _asked_page(console, monitor)
