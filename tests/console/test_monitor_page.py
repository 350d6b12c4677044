"""The page of a monitor: how it stands and why, its past, its places, and what hangs on it, at a constant price."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from apps.core.clock import database_now
from apps.integrations.models import DeliveryStream
from apps.monitors import services
from apps.monitors.models import Certificate, Location, Monitor, MonitorState, Run, Schedule
from apps.monitors.services.rollups import roll_up
from tests.factories import (
    PERSON,
    ComponentLinkFactory,
    DeliveryStreamFactory,
    IncidentFactory,
    IncidentRuleFactory,
    IntegrationFactory,
    LocationFactory,
    MembershipFactory,
    MonitorFactory,
    OutageFactory,
    RunFactory,
    ScheduleFactory,
    UserFactory,
)

pytestmark = pytest.mark.django_db


def page_of(monitor: Monitor) -> str:
    return reverse("admin:monitors_monitor_change", args=[monitor.pk])


def placed(monitor: Monitor, name: str = "Europe", **fields: Any) -> Schedule:
    """The monitor at a location with a worker (`location` gives another), due in half a minute."""
    fields.setdefault("location", LocationFactory(name=name))
    fields.setdefault("next_run_at", database_now() + timedelta(seconds=30))
    fields.setdefault("last_result", "passed")
    schedule: Schedule = ScheduleFactory(monitor=monitor, **fields)
    return schedule


def ran(schedule: Schedule, *, ago: timedelta, **fields: Any) -> Run:
    due = database_now() - ago
    fields.setdefault("result", "passed")
    run: Run = RunFactory(schedule=schedule, due_at=due, **fields)
    Schedule.objects.filter(pk=schedule.pk).update(last_due_at=due)
    return run


@pytest.fixture
def monitor() -> Monitor:
    made: Monitor = MonitorFactory(name="Orders")
    return made


def shown(client: Client, monitor: Monitor, **query: Any) -> str:
    response = client.get(page_of(monitor), query)
    assert response.status_code == 200
    return response.content.decode()


# How it stands.


def test_a_failing_monitor_says_since_when_why_and_with_which_run(
    console: Client, monitor: Monitor
):
    schedule = placed(monitor)
    run = ran(schedule, ago=timedelta(minutes=10), result="failed", reason="status is 503")
    MonitorState.objects.filter(monitor=monitor).update(is_failing=True)
    outage = OutageFactory(
        monitor=monitor, started_at=run.due_at, opened_at=run.due_at, reason="status is 503"
    )

    page = shown(console, monitor)

    assert f"Failing</span> since {outage.opened_at:%Y-%m-%d %H:%M:%S} UTC, for 10 min" in page
    assert "status is 503" in page
    micros = round(run.due_at.timestamp() * 1_000_000)
    url = reverse("admin:monitors_monitor_run", args=[monitor.pk, f"{micros}-{schedule.pk}"])
    assert f'<a href="{url}">First failing run</a>' in page


def test_a_monitor_that_only_erred_is_not_measured_and_says_why(console: Client, monitor: Monitor):
    schedule = placed(
        monitor, last_result="error", owed_since=database_now() - timedelta(minutes=5)
    )
    ran(schedule, ago=timedelta(minutes=1), result="error", reason="no transfer slot")

    page = shown(console, monitor)

    assert "Not measured</span> since" in page
    assert "The newest run at Europe is an error: no transfer slot." in page


def test_a_late_monitor_says_where_and_by_how_much(console: Client, monitor: Monitor):
    placed(monitor, next_run_at=database_now() - timedelta(seconds=45))

    page = shown(console, monitor)

    assert ">Late</span>" in page
    assert " s to begin at Europe: its workers are behind." in page


def test_a_paused_monitor_says_who_paused_it(console: Client, monitor: Monitor):
    placed(monitor)
    services.pause_monitor(monitor_id=monitor.pk, actor=PERSON, at=database_now())
    MonitorState.objects.filter(monitor=monitor).update(is_failing=True)

    page = shown(console, monitor)

    assert "Paused</span> since" in page
    assert "Robin Doe paused it: it does not run until it is resumed." in page
    assert "Its outage stays open meanwhile." in page
    assert "It is not scheduled." in page


def test_a_new_monitor_has_said_nothing_yet(console: Client, monitor: Monitor):
    placed(monitor, last_result="")

    page = shown(console, monitor)

    assert "Not run yet</span>" in page
    assert "It has had none." in page
    assert "No run in the past 24 hours." in page
    assert "no integration watches it" in page


def test_days_left_of_the_certificate_are_told_where_known(console: Client, monitor: Monitor):
    first, second = placed(monitor), placed(monitor, "Asia")
    for schedule, days in ((first, 40.5), (second, 12.5)):
        end = database_now() + timedelta(days=days)
        Certificate.objects.create(schedule=schedule, host="shop.test", expires_at=end)

    assert "12 days left: shop.test" in shown(console, monitor)


# Its past.


def test_the_chart_is_of_the_range_and_the_location_asked_for(console: Client, monitor: Monitor):
    first, second = placed(monitor, "Europe"), placed(monitor, "Asia")
    ran(first, ago=timedelta(minutes=1), response_time_ms=40)
    ran(second, ago=timedelta(minutes=1), response_time_ms=90)
    ran(second, ago=timedelta(days=3), response_time_ms=900)
    roll_up(at=database_now())

    day = console.get(page_of(monitor)).context["chart"]
    week = console.get(page_of(monitor), {"range": "7d"}).context["chart"]
    asia = console.get(page_of(monitor), {"range": "7d", "location": second.location_id}).context[
        "chart"
    ]

    assert (day["drawn"].runs, week["drawn"].runs, asia["drawn"].runs) == ("2", "3", "2")
    assert (week["drawn"].p99, day["drawn"].p99) == ("900 ms", "90 ms")
    assert asia["where"] == "Asia"
    assert {(row["name"], row["runs"]) for row in week["by_location"]} == {
        ("Europe", "1"),
        ("Asia", "2"),
    }
    assert [len(one["drawn"].rows) for one in (day, week)] == [24, 28]


@pytest.mark.parametrize("query", [{"range": "1y"}, {"location": "x"}, {"location": "999999"}])
def test_a_range_or_location_that_is_none_is_the_usual(
    console: Client, monitor: Monitor, query: dict[str, str]
):
    placed(monitor)

    chart = console.get(page_of(monitor), query).context["chart"]

    assert chart["where"] == "all locations"
    assert [one["title"] for one in chart["windows"] if one["is_here"]] == ["24 hours"]


def test_the_chart_is_a_table_too(console: Client, monitor: Monitor):
    ran(placed(monitor), ago=timedelta(minutes=1), response_time_ms=40)

    page = shown(console, monitor)

    assert "<summary>The chart as a table</summary>" in page
    assert "Response time over the past 24 hours, all locations" in page
    assert page.count('<th scope="row">20') == 24


def test_uptime_names_what_was_not_measured(console: Client, monitor: Monitor):
    now = database_now()
    Monitor.objects.filter(pk=monitor.pk).update(created_at=now - timedelta(days=400))
    schedule = placed(monitor, last_finished_at=now)
    schedule.unmeasured.create(
        started_at=now - timedelta(hours=6), ended_at=now - timedelta(hours=4)
    )
    at = now - timedelta(days=2)
    OutageFactory(
        monitor=monitor, opened_at=at, closed_at=at + timedelta(hours=1), close_reason="recovered"
    )

    found = console.get(page_of(monitor)).context["uptimes"]

    assert [(one["name"], one["text"], one["gap"]) for one in found] == [
        ("24 h", "100 %", "2 h"),
        ("7 d", "99.39 %", "2 h"),
        ("30 d", "99.86 %", "2 h"),
        ("90 d", "99.95 %", "2 h"),
    ]


# Its places, and what hangs on it.


def test_each_location_says_its_state_last_run_and_lag(console: Client, monitor: Monitor):
    now = database_now()
    placed(monitor, "Europe", last_finished_at=now - timedelta(seconds=70), missed=3)
    placed(monitor, location=LocationFactory(name="Asia", worker=False))
    placed(monitor, "Africa", is_failing=True, last_result="failed")
    placed(monitor, "Mars", removed_at=now)

    places = console.get(page_of(monitor)).context["places"]

    assert [one["name"] for one in places] == ["Africa", "Asia", "Europe"]
    assert ["Failing" in one["state"] for one in places] == [True, False, False]
    assert "No worker" in places[1]["state"]
    assert places[2]["last"] == "1 min 10 s ago"
    assert places[2]["notes"] == "3 slots missed"


def test_what_its_failure_does_is_told_and_linked(console: Client, monitor: Monitor):
    integration = IntegrationFactory(monitor=monitor, workspace=monitor.workspace, nickname="Shop")
    IncidentRuleFactory(integration=integration, name="Orders fail")
    link = ComponentLinkFactory(integration=integration)
    IntegrationFactory(monitor=monitor, workspace=monitor.workspace, enabled=False)
    IntegrationFactory(monitor=monitor, workspace=monitor.workspace, archived=True)

    response = console.get(page_of(monitor))

    page = response.content.decode()
    assert f'href="/admin/integrations/integration/{integration.pk}/change/">Shop</a>' in page
    assert f"sets {link.component} to Major outage, opens the incident “Orders fail”" in page
    assert [one.is_on for one in response.context["dependents"]] == [False, True]
    assert f"/admin/integrations/integration/add/?workspace={monitor.workspace_id}" in page


def test_incidents_of_its_outages_are_linked_on_pages_that_the_person_sees(
    console: Client, client: Client, monitor: Monitor
):
    placed(monitor)
    incident = IncidentFactory(name="Orders fail")
    DeliveryStreamFactory(
        kind=DeliveryStream.Kind.INCIDENT,
        key="incident:x",
        outage=OutageFactory(monitor=monitor),
        remote_id=incident.public_id,
    )
    viewer = UserFactory()
    MembershipFactory(user=viewer, workspace=monitor.workspace, role="viewer")
    client.force_login(viewer)

    assert "Orders fail</a>" in shown(console, monitor)
    assert "Orders fail" not in shown(client, monitor)


# The form beside it.


def test_links_lead_to_the_page_and_the_page_to_the_form(console: Client, monitor: Monitor):
    placed(monitor)

    response = console.get(page_of(monitor))
    edit = console.get(response.context["edit_url"])

    assert "adminform" not in response.context
    assert edit.context["adminform"].form.instance == monitor
    for page in (response, edit):
        tabs = [tab["title"] for tab in page.context["monitor_tabs"]]
        assert tabs == ["Overview", "Edit", "Runs", "History"]
    assert 'aria-current="page">Overview' in response.content.decode()


def test_a_viewer_sees_the_definition_without_a_button(client: Client, monitor: Monitor):
    placed(monitor)
    viewer = UserFactory()
    MembershipFactory(user=viewer, workspace=monitor.workspace, role="viewer")
    client.force_login(viewer)

    response = client.get(page_of(monitor))
    page = response.content.decode()

    assert [tab["title"] for tab in response.context["monitor_tabs"]][1] == "Definition"
    assert "Run now</" not in page
    assert "/pause" not in page
    assert "Add an integration" not in page
    assert "_save" not in client.get(response.context["edit_url"]).content.decode()


def test_a_foreign_monitor_is_as_one_that_is_not_there(client: Client, monitor: Monitor):
    viewer = UserFactory()
    MembershipFactory(user=viewer, role="viewer")
    client.force_login(viewer)
    edit = reverse("admin:monitors_monitor_edit", args=[monitor.pk])
    nobody = reverse("admin:monitors_monitor_edit", args=[monitor.pk + 999])

    assert client.get(page_of(monitor)).status_code == 302
    assert client.get(edit).status_code == client.get(nobody).status_code
    assert client.get(edit).status_code in (302, 404)


# What it costs.


def test_the_page_takes_as_many_statements_for_a_long_past_as_for_none(
    console: Client, monitor: Monitor
):
    Location.objects.filter(code="default").delete()
    schedules = [placed(monitor, name) for name in ("Europe", "Asia")]
    IntegrationFactory(monitor=monitor, workspace=monitor.workspace)
    at = database_now() - timedelta(days=1)
    made = OutageFactory(monitor=monitor, opened_at=at, closed_at=at, close_reason="recovered")
    stream(made)
    for schedule in schedules:
        ran(schedule, ago=timedelta(minutes=1))
    roll_up(at=database_now())
    before = _statements(console, monitor)
    for number in range(20):
        opened = at - timedelta(hours=number + 1)
        outage = OutageFactory(
            monitor=monitor, opened_at=opened, closed_at=opened, close_reason="recovered"
        )
        stream(outage)
        for schedule in schedules:
            ran(schedule, ago=timedelta(minutes=2 + number))
        IntegrationFactory(monitor=monitor, workspace=monitor.workspace)
        placed(monitor, f"Place {number}")

    after = _statements(console, monitor)

    assert after == before <= 28


def stream(outage: Any) -> None:
    DeliveryStreamFactory(
        kind=DeliveryStream.Kind.INCIDENT, key=f"incident:{outage.public_id}", outage=outage
    )


def _statements(console: Client, monitor: Monitor) -> int:
    console.get(page_of(monitor))
    with CaptureQueriesContext(connection) as captured:
        console.get(page_of(monitor))
    return len(captured)


def test_due_times_name_the_crontabs_zone_and_utc(console: Client, monitor: Monitor):
    Monitor.objects.update(interval_s=None, crontab="30 2 * * *", crontab_time_zone="Asia/Tokyo")
    due = datetime.fromisoformat("2099-03-01T17:30:00+00:00")
    placed(monitor, interval_s=None, next_run_at=due)

    assert "Mon 2099-03-02 02:30:00 JST (Sun 2099-03-01 17:30:00 UTC)" in shown(console, monitor)
