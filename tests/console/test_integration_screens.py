"""A saved integration: how it stands, its run log, a rehearsal, pausing; and the list of many."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.apps import apps as installed
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from apps.core.models import AuditEvent
from apps.incidents.models import Incident
from apps.integrations.models import Connector, Delivery, Integration
from apps.monitors.models import Monitor
from apps.monitors.services import archive_monitor, pause_monitor
from apps.pages.models import Page
from apps.pages.services import archive_component
from tests.factories import (
    NOW,
    PERSON,
    ComponentLinkFactory,
    DeliveryFactory,
    DeliveryStreamFactory,
    IncidentRuleFactory,
    IntegrationFactory,
    MembershipFactory,
    MetricRuleFactory,
    ScheduleFactory,
    UserFactory,
)
from tests.integrations.scene import (
    component,
    deliver_all,
    fails,
    integrate,
    make_monitor,
    make_page,
    metric_definition,
    minutes,
    recovers,
)

pytestmark = pytest.mark.django_db

LIST = "admin:integrations_integration_changelist"


@pytest.fixture
def monitor(db: None) -> Monitor:
    return make_monitor()


@pytest.fixture
def page(db: None) -> Page:
    return make_page()


@pytest.fixture
def integration(monitor: Monitor, page: Page) -> Integration:
    return integrate(monitor, page, metric=metric_definition(page))


def _at(row: Integration, screen: str) -> str:
    return reverse(f"admin:integrations_integration_{screen}", args=[row.pk])


def _words(response: Any) -> str:
    assert response.status_code == 200
    content = re.sub(r"<(script|style)\b.*?</\1>", " ", response.content.decode(), flags=re.S)
    return " ".join(re.sub(r"<[^>]+>", " ", content).split())


# How it stands.


def test_its_page_says_how_it_stands_and_what_it_delivered(
    console: Client, integration: Integration, monitor: Monitor
):
    fails(monitor, minutes(0))
    deliver_all()

    said = _words(console.get(_at(integration, "change")))

    assert "Monitor failing" in said
    assert "Open incident: Checkout is failing" in said
    assert "Component set to Major outage" in said
    assert "Incident “Checkout is failing” created" in said


@pytest.mark.parametrize("case", ["removed", "component", "paused", "idle", "active"])
def test_the_list_says_the_state_and_why(
    console: Client, integration: Integration, monitor: Monitor, case: str
):
    if case == "removed":
        archive_monitor(monitor_id=monitor.pk, actor=PERSON, at=NOW)
    elif case == "component":
        archive_component(component_id=component().pk, actor=PERSON, at=NOW)
    elif case == "paused":
        console.post(_at(integration, "pause"))
    elif case == "idle":
        pause_monitor(monitor_id=monitor.pk, actor=PERSON, at=NOW)

    said = _words(console.get(reverse(LIST)))

    expected = {
        "removed": "Broken The monitor Check checkout was removed.",
        "component": "Broken The component Checkout is gone.",
        "paused": "Paused",
        "idle": "Monitor paused Nothing happens until",
        "active": "Active",
    }
    assert expected[case] in said


def test_the_list_says_the_actions_in_words_and_the_newest_delivery(
    console: Client, integration: Integration
):
    said = _words(console.get(reverse(LIST)))

    assert "1 component, incident “Checkout is failing”, metric Response time" in said
    assert "2025-03-02 12:00:00 UTC Done" in said


def test_the_list_costs_the_same_however_many_there_are(console: Client):
    _make(3)
    console.get(reverse(LIST))
    few = _queries(console)

    _make(20)

    assert _queries(console) == few <= 16


def _make(count: int) -> None:
    for _ in range(count):
        row = IntegrationFactory()
        link = ComponentLinkFactory(integration=row)
        IncidentRuleFactory(integration=row)
        MetricRuleFactory(integration=row)
        stream = DeliveryStreamFactory(component=link.component)
        DeliveryFactory(stream=stream, integration=row)


def _queries(console: Client) -> int:
    with CaptureQueriesContext(
        connection,
    ) as seen:
        assert console.get(reverse(LIST)).status_code == 200
    return len(seen)


@pytest.mark.parametrize("name", ["workspace", "page", "connector"])
def test_the_list_is_filtered_by_where_it_comes_from_and_goes_to(console: Client, name: str):
    one, other = IntegrationFactory(nickname="One"), IntegrationFactory(nickname="Other")

    said = _words(console.get(reverse(LIST), {f"{name}__id__exact": getattr(one, f"{name}_id")}))

    assert "One" in said
    assert other.monitor.name not in said


# The run log.


def test_the_run_log_tells_runs_and_what_they_led_to(
    console: Client, integration: Integration, monitor: Monitor
):
    fails(monitor, minutes(0))
    deliver_all()
    recovers(monitor, minutes(5))
    deliver_all()

    rows = [_row(one) for one in _log_rows(console.get(_at(integration, "run_log")))]

    assert rows == [
        ("2026-03-02 12:05:00 UTC", "Passed", "Incident “Checkout is failing” resolved", "Acme"),
        ("2026-03-02 12:05:00 UTC", "Passed", "Component set to Operational", "Checkout"),
        ("2026-03-02 12:00:00 UTC", "Failed", "Incident “Checkout is failing” created", "Acme"),
        ("2026-03-02 12:00:00 UTC", "Failed", "Component set to Major outage", "Checkout"),
        ("2025-03-02 12:00:00 UTC", "–", "Component set to Operational", "Checkout"),
    ]


def _log_rows(response: Any) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = response.context["entries"]
    return rows


def _row(entry: dict[str, Any]) -> tuple[str, str, str, str]:
    return entry["at"], entry["result_label"], entry["action"], entry["target"]


def test_the_run_log_says_what_did_not_arrive_and_why(console: Client, integration: Integration):
    Delivery.objects.filter(integration=integration).update(
        state="dead", last_error="410 gone", attempts=3
    )

    said = _words(console.get(_at(integration, "run_log")))

    assert "Given up 410 gone (3 attempts)" in said


def test_the_run_log_goes_back_page_by_page_in_the_same_number_of_queries(
    console: Client, integration: Integration
):
    stream = DeliveryStreamFactory()
    DeliveryFactory.create_batch(20, stream=stream, integration=integration)
    url = _at(integration, "run_log")
    with CaptureQueriesContext(connection) as few:
        console.get(url)
    DeliveryFactory.create_batch(100, stream=stream, integration=integration)

    with CaptureQueriesContext(connection) as many:
        newest = console.get(url)
    older = console.get(url, {"before": newest.context["older"]})

    assert len(many) == len(few)
    assert len(_log_rows(newest)) == len(_log_rows(older)) == 50
    assert _log_rows(newest)[-1]["url"] != _log_rows(older)[0]["url"]
    assert "Newest" in older.content.decode()
    assert console.get(url, {"before": "x"}).status_code == 200


def test_an_empty_run_log_says_when_entries_come(console: Client):
    row = IntegrationFactory()

    said = _words(console.get(_at(row, "run_log")))

    assert "Nothing was delivered yet. There is an entry for each change" in said


# The rehearsal.


def test_a_test_shows_each_delivery_and_changes_no_row(console: Client, integration: Integration):
    console.get(_at(integration, "rehearsal"))
    before = _every_row()

    said = _words(console.get(_at(integration, "rehearsal")))

    assert _every_row() == before
    assert "Nothing is sent, and nothing is written." in said
    assert "1. Component set to Major outage (Checkout)" in said
    assert "2. Incident “Checkout is failing” created (Acme)" in said
    assert "2. Incident “Checkout is failing” resolved (Acme)" in said
    assert "Orders go through again." in said
    assert "Each run’s response time goes to the metric “Response time”" in said
    assert "&quot;kind&quot;: &quot;open&quot;" in said


def _every_row() -> dict[str, list[Any]]:
    """Return what is in the database, but for what says that somebody was here."""
    return {
        model._meta.label: sorted(model._base_manager.values_list(), key=repr)
        for model in installed.get_models()
        if model._meta.label not in {"sessions.Session", "accounts.User"} and model._meta.managed
    }


# Pausing.


def test_pausing_says_what_becomes_of_the_open_incident_and_does_it(
    console: Client, integration: Integration, monitor: Monitor
):
    fails(monitor, minutes(0))
    deliver_all()

    asked = _words(console.get(_at(integration, "pause")))
    assert "The open incident “Checkout is failing” stays open and is left to you" in asked
    assert Integration.objects.get().enabled
    done = _words(console.post(_at(integration, "pause"), follow=True))
    deliver_all()

    assert "Checkout to page is paused." in done
    assert "nobody resolves it by itself any more" in done
    assert not Integration.objects.get().enabled
    assert component().status == "operational"
    assert Incident.objects.get().is_open
    assert AuditEvent.objects.filter(action="integration.disabled").exists()


def test_resuming_says_that_it_speaks_at_once(
    console: Client, integration: Integration, monitor: Monitor
):
    console.post(_at(integration, "pause"))
    fails(monitor, minutes(0))

    asked = _words(console.get(_at(integration, "resume")))
    console.post(_at(integration, "resume"))
    deliver_all()

    assert "is failing, so what is said of failing is on the page at once" in asked
    assert component().status == "major_outage"


def test_who_may_only_look_cannot_pause_test_is_open_to_them(integration: Integration):
    reader = UserFactory(username="vera")
    MembershipFactory(user=reader, workspace=integration.workspace, role="viewer")
    client = Client()
    client.force_login(reader)

    assert client.get(_at(integration, "rehearsal")).status_code == 200
    assert client.get(_at(integration, "run_log")).status_code == 200
    assert client.post(_at(integration, "pause")).status_code == 403
    assert Integration.objects.get().enabled


def test_a_publisher_of_the_workspace_alone_changes_nothing_on_a_page_of_others(
    integration: Integration,
):
    person = UserFactory(username="petra")
    MembershipFactory(user=person, workspace=integration.workspace, role="publisher")
    client = Client()
    client.force_login(person)

    assert client.post(_at(integration, "pause")).status_code == 403
    assert client.post(_at(integration, "archive_row")).status_code == 403
    listed = client.post(
        reverse(LIST), {"action": "pause_chosen", "_selected_action": [integration.pk]}
    )

    assert listed.status_code in {200, 302}
    assert Integration.objects.get().enabled
    assert Connector.objects.filter(name="native").exists()


# What belongs to others.


def test_nothing_names_what_others_link_to_the_same_component(
    console: Client, integration: Integration, page: Page
):
    other = ScheduleFactory(monitor__name="CANARY monitor").monitor
    foreign = integrate(other, page, nickname="CANARY bridge", incident=None)
    fails(other, minutes(0))
    fails(integration.monitor, minutes(1))
    deliver_all()
    robin = UserFactory()
    MembershipFactory(user=robin, workspace=integration.workspace, role="viewer")
    mine = Client()
    mine.force_login(robin)
    newest = Delivery.objects.filter(integration=integration, change__kind="component").first()
    assert newest is not None
    delivery = reverse("admin:integrations_delivery_change", args=[newest.pk])

    screens = [_at(integration, "change"), _at(integration, "rehearsal"), delivery]
    said = [_words(mine.get(screen)) for screen in screens]
    known = [_words(console.get(screen)) for screen in screens]

    assert foreign.nickname == "CANARY bridge"
    assert not [text for text in said if "CANARY" in text]
    assert "An integration of another workspace links “Checkout”" in said[0]
    assert "a monitor of another workspace" in said[1]
    assert "a monitor of another workspace" in said[2]
    assert all("CANARY" in text for text in known)
