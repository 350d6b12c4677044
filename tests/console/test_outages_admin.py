"""Outages at the console: found by state, time and monitor, with their runs and what they made."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from apps.core.clock import database_now
from apps.integrations.models import DeliveryStream
from apps.monitors.models import Outage
from tests.factories import (
    NOW,
    DeliveryStreamFactory,
    IncidentFactory,
    LocationFactory,
    MembershipFactory,
    MonitorFactory,
    OutageFactory,
    RunFactory,
    ScheduleFactory,
    UserFactory,
)

pytestmark = pytest.mark.django_db

LIST = "/admin/monitors/outage/"


def listed(console: Client, **query: Any) -> list[str]:
    response = console.get(LIST, query)
    assert response.status_code == 200, response
    return sorted(row.monitor.name for row in response.context["cl"].result_list)


def shown(console: Client, outage: Outage) -> str:
    url = reverse("admin:monitors_outage_change", args=[outage.pk])
    return console.get(url).content.decode()


def stream_of(outage: Outage, **fields: Any) -> DeliveryStream:
    """The stream of an incident that the outage made."""
    key = f"incident:{outage.public_id}"
    stream: DeliveryStream = DeliveryStreamFactory(
        kind=DeliveryStream.Kind.INCIDENT, key=key, outage=outage, **fields
    )
    return stream


def test_filters_narrow_the_list(console: Client):
    now = database_now()
    since = now - timedelta(days=40)
    first = MonitorFactory(name="first")
    OutageFactory(monitor=first, started_at=since, opened_at=since)
    for name, days in (("second", 3), ("third", 40)):
        at = now - timedelta(days=days)
        OutageFactory(
            monitor=MonitorFactory(name=name),
            started_at=at,
            opened_at=at,
            closed_at=at + timedelta(hours=1),
            close_reason="recovered",
        )

    assert listed(console) == ["first", "second", "third"]
    assert listed(console, state="open") == ["first"]
    assert listed(console, state="over") == ["second", "third"]
    # An open one is of every period.
    assert listed(console, period="24h") == ["first"]
    assert listed(console, period="7d") == ["first", "second"]
    assert listed(console, monitor=first.pk) == ["first"]
    assert listed(console, workspace__id__exact=first.workspace_id) == ["first"]
    assert listed(console, q="sec") == ["second"]


def test_a_foreign_monitor_is_not_named_by_the_filter(client: Client):
    user = UserFactory()
    client.force_login(user)
    mine, foreign = OutageFactory(), OutageFactory(monitor__name="Secret monitor")
    MembershipFactory(user=user, workspace=mine.monitor.workspace, role="viewer")

    page = client.get(LIST, {"monitor": foreign.monitor_id}).content.decode()

    assert "Secret monitor" not in page


def test_an_outage_leads_to_its_first_and_last_run(console: Client):
    monitor = MonitorFactory()
    schedules = [ScheduleFactory(monitor=monitor, location=LocationFactory()) for _ in range(2)]
    results = ["passed", "failed", "failed", "failed", "passed", "passed"]
    for number, result in enumerate(results):
        due = NOW + timedelta(minutes=number)
        reason = f"status is 50{number}" if result == "failed" else ""
        RunFactory(schedule=schedules[0], due_at=due, result=result, reason=reason)
    RunFactory(schedule=schedules[1], due_at=NOW - timedelta(hours=3), result="passed")
    outage = OutageFactory(
        monitor=monitor,
        started_at=NOW + timedelta(minutes=1),
        opened_at=NOW + timedelta(minutes=1, seconds=1),
        closed_at=NOW + timedelta(minutes=4, seconds=1),
    )

    page = shown(console, outage)

    assert "2026-03-02 12:01:00 UTC</a>: Failed, status is 501" in page
    assert "2026-03-02 12:04:00 UTC</a>: Passed" in page
    assert ">3 min<" in page


def test_runs_that_are_gone_are_said_to_be(console: Client):
    schedule = ScheduleFactory()
    outage = OutageFactory(monitor=schedule.monitor)
    RunFactory(schedule=schedule, due_at=outage.started_at - timedelta(days=1), result="failed")

    assert shown(console, outage).count("It is not kept any more.") == 2


def test_what_an_outage_made_is_linked_for_those_who_may_see_it(console: Client, client: Client):
    outage = OutageFactory()
    incident = IncidentFactory(name="Shop is down")
    stream_of(outage, remote_id=incident.public_id)
    user = UserFactory()
    MembershipFactory(user=user, workspace=outage.monitor.workspace, role="viewer")
    client.force_login(user)

    pages = [shown(console, outage), console.get(LIST).content.decode()]
    foreign = shown(client, outage)

    url = reverse("admin:incidents_incident_change", args=[incident.pk])
    assert all(f'<a href="{url}">Shop is down</a>' in page for page in pages)
    assert "Shop is down" not in foreign
    assert "An incident on " in foreign


def test_the_list_asks_the_same_of_many_outages(
    console: Client, django_assert_max_num_queries: Callable[..., Any]
):
    counts = []
    for number in (2, 30):
        for _ in range(number):
            stream_of(OutageFactory())
        console.get(LIST)
        with CaptureQueriesContext(connection) as captured:
            console.get(LIST)
        counts.append(len(captured))
        assert all("LIMIT" in one["sql"] for one in captured if "COUNT(" in one["sql"])

    assert counts[0] == counts[1] <= 16
