"""A component's past at the console: its days, what was recorded and why, and corrections of it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from apps.core.models import AuditEvent
from apps.integrations.models import ConnectorComponent
from apps.pages.models import Component, Correction, PageMembership, StatusPeriod
from apps.pages.services import correct_period, create_component, create_page
from tests.factories import (
    NOW,
    PERSON,
    ComponentLinkFactory,
    IncidentComponentFactory,
    IncidentFactory,
    IntegrationFactory,
    MeasurementGapFactory,
    OutageFactory,
    StatusPeriodFactory,
    UserFactory,
)

pytestmark = pytest.mark.django_db

BEGAN = NOW - timedelta(days=200)
BROKE = datetime(2026, 2, 10, 9, 0, tzinfo=UTC)
MENDED = BROKE + timedelta(hours=2)


@pytest.fixture(autouse=True)
def _now() -> Iterator[None]:
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def component() -> Component:
    """In Berlin; a major outage on 10 February from 10:00 to 12:00 there."""
    page = create_page(name="Acme", slug="acme", time_zone="Europe/Berlin", actor=PERSON, at=BEGAN)
    row = create_component(page_id=page.pk, name="Checkout", actor=PERSON, at=BEGAN)
    StatusPeriod.objects.filter(component=row).delete()
    for status, start, end in (
        ("operational", BEGAN, BROKE),
        ("major_outage", BROKE, MENDED),
        ("operational", MENDED, None),
    ):
        StatusPeriodFactory(component=row, status=status, started_at=start, ended_at=end)
    return row


def address(component: Component, query: str = "") -> str:
    return reverse("admin:pages_component_past", args=[component.pk]) + query


def text_of(response: Any) -> str:
    return " ".join(response.content.decode().split())


def corrected(component: Component, *, hour: int = 10) -> Correction:
    return correct_period(
        component_id=component.pk,
        started_at=datetime(2026, 1, 14, hour, tzinfo=UTC),
        ended_at=datetime(2026, 1, 14, hour + 1, tzinfo=UTC),
        status="operational",
        reason="A false alarm.",
        actor=PERSON,
        at=NOW,
    )


VALUES = {
    "started_at": "2026-01-14T10:00:00",
    "ended_at": "2026-01-14T12:30:00",
    "status": "not_measured",
    "reason": "The probe's own line was cut.",
    "do": "correct",
}


def test_the_bar_shows_ninety_days_as_readers_get_them(console: Client, component: Component):
    response = console.get(address(component))

    bars = response.context["bars"]
    assert len(bars) == 90
    assert bars[-1].title.startswith("Mon 2 Mar 2026")
    told = [bar for bar in bars if bar.is_told]
    assert [bar.title for bar in told] == ["Tue 10 Feb 2026: Major outage 2 h"]
    assert told[0].words.level == "major"
    assert "90 days earlier" in text_of(response)


def test_a_chosen_day_shows_what_was_recorded_and_why(console: Client, component: Component):
    MeasurementGapFactory(
        component=component, started_at=MENDED, ended_at=MENDED + timedelta(hours=1)
    )
    mirrored = ConnectorComponent.objects.get(remote_id=component.public_id)
    integration = IntegrationFactory(page=mirrored.page, connector=mirrored.page.connector)
    ComponentLinkFactory(integration=integration, component=mirrored)
    OutageFactory(
        monitor=integration.monitor,
        started_at=BROKE,
        opened_at=BROKE,
        closed_at=MENDED,
        reason="Status 503",
    )
    incident = IncidentFactory(
        page=component.page,
        name="No orders",
        status="resolved",
        started_at=BROKE,
        resolved_at=MENDED,
    )
    IncidentComponentFactory(
        incident=incident, component=component, status="operational", worst_status="major_outage"
    )

    text = text_of(console.get(address(component, "?day=2026-02-10")))

    assert "Tue 10 February 2026" in text
    assert "Tue 2026-02-10 10:00 – 12:00" in text
    assert "Days and times are in Europe/Berlin" in text
    assert "Not measured" in text
    assert "Status 503" in text
    assert "No orders" in text


def test_of_a_month_of_flapping_the_newest_are_listed(console: Client, component: Component):
    StatusPeriod.objects.filter(component=component, ended_at=None).delete()
    StatusPeriod.objects.bulk_create(
        StatusPeriod(
            component=component,
            status="operational" if number % 2 else "partial_outage",
            started_at=MENDED + timedelta(minutes=number),
            ended_at=MENDED + timedelta(minutes=number + 1),
        )
        for number in range(300)
    )

    response = console.get(address(component, "?month=2026-02"))

    lines = response.context["recorded"]
    assert len(lines) == 200
    assert "16:59" in lines[0].when
    assert "Only the newest 200 of each are listed" in text_of(response)


def test_the_form_holds_the_stretch_that_was_chosen(console: Client, component: Component):
    listed = console.get(address(component, "?day=2026-02-10")).context["recorded"]
    broken = next(line for line in listed if "Major outage" in line.kind)

    form = console.get(address(component, broken.correct_url)).context["form"]

    assert form["started_at"].value() == datetime(2026, 2, 10, 10, 0)  # noqa: DTZ001 - on the wall
    assert form["ended_at"].value() == datetime(2026, 2, 10, 12, 0)  # noqa: DTZ001 - on the wall


def test_a_prefilled_stretch_covers_all_of_what_was_recorded(console: Client, component: Component):
    micro = timedelta(microseconds=400_000)
    broken = StatusPeriod.objects.filter(status="major_outage")
    broken.update(started_at=BROKE + micro, ended_at=MENDED + micro)

    url = address(component, "?day=2026-02-10")
    form = console.get(url).context["form"]
    asked = {name: f"{form[name].value():%Y-%m-%dT%H:%M:%S}" for name in ("started_at", "ended_at")}
    console.post(url, VALUES | asked | {"status": "operational"})

    (bar,) = [one for one in console.get(url).context["bars"] if one.is_told]
    assert bar.words.level == "operational"


def test_the_form_holds_the_days_trouble_before_anything_is_chosen(
    console: Client, component: Component
):
    html = console.get(address(component, "?day=2026-02-10")).content.decode()

    assert 'value="2026-02-10T10:00:00"' in html
    assert 'value="2026-02-10T12:00:00"' in html


def test_the_effect_is_seen_before_anything_is_changed(console: Client, component: Component):
    asked = {
        "started_at": "2026-02-10T10:00:00",
        "ended_at": "2026-02-10T12:00:00",
        "status": "operational",
        "reason": "",
        "do": "effect",
    }

    response = console.post(address(component), asked)
    part = console.post(address(component), asked, headers={"x-part": "effect"})

    effect = response.context["effect"]
    assert (effect["before"], effect["after"]) == ("99.90 %", "100 %")
    (day,) = effect["days"]
    assert day == {"day": "Tue 10 Feb 2026", "before": "Major outage 2 h", "after": "No downtime"}
    assert "99.90 % → <strong>100 %</strong>" in text_of(part)
    assert "<html" not in text_of(part)
    assert not Correction.objects.exists()
    assert not AuditEvent.objects.filter(action="component.corrected").exists()


def test_a_past_period_is_corrected_in_the_pages_zone(console: Client, component: Component):
    url = address(component, "?month=2026-01")
    asked = console.get(url)
    response = console.post(url, VALUES, follow=True)

    assert "Europe/Berlin" in asked.content.decode()
    correction = Correction.objects.get()
    assert correction.started_at == datetime(2026, 1, 14, 9, tzinfo=UTC)
    assert correction.ended_at == datetime(2026, 1, 14, 11, 30, tzinfo=UTC)
    assert (correction.status, correction.author) == ("not_measured", "root")
    text = response.content.decode()
    assert "The probe&#x27;s own line was cut." in text
    assert "Wed 2026-01-14 10:00 – 12:30 (Europe/Berlin)" in text
    assert "Take back" in text


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"ended_at": "2026-01-14T09:00:00"}, "The end must come after the start."),
        ({"ended_at": "2099-01-14T09:00:00"}, "Only what is past can be corrected."),
        ({"started_at": "2001-01-14T09:00:00"}, "history begins later"),
        ({"started_at": "2025-03-30T02:30:00"}, "skip this time"),
        ({"started_at": "0001-01-01T00:00:00"}, "Enter a year nearer to ours."),
        ({"reason": ""}, "required"),
        ({"do": "effect", "ended_at": "2099-01-14T09:00:00"}, "Only what is past"),
    ],
)
def test_a_refusal_is_shown_at_its_field(
    console: Client, component: Component, changes: dict[str, str], message: str
):
    response = console.post(address(component), VALUES | changes)

    assert response.status_code == 409
    assert message in response.content.decode()
    assert not Correction.objects.exists()


@pytest.mark.parametrize(
    "query",
    [
        "?day=tomorrow",
        "?day=2099-01-01",
        "?month=2026-13",
        "?until=x&from=y&to=z",
        "?day=0001-01-01",
        "?month=0001-01",
        "?until=0001-01-05",
        "?from=0001-01-01T00:00:00%2B23:00&to=0001-01-02T00:00:00%2B23:00",
        "?from=9999-12-31T23:59:59%2B00:00&to=9999-12-31T23:59:59.5%2B00:00",
    ],
)
def test_an_address_that_makes_no_sense_shows_this_month(
    console: Client, component: Component, query: str
):
    assert console.get(address(component, query)).context["range"].title == "March 2026"


def test_a_correction_is_taken_back_once(console: Client, component: Component):
    correction = corrected(component)
    url = reverse("admin:pages_correction_revoke", args=[correction.pk])

    assert console.get(url).status_code == 200
    response = console.post(url, follow=True)

    correction.refresh_from_db()
    assert correction.revoked_by == "root"
    assert "by root" in response.content.decode()
    assert console.post(url).status_code == 403
    assert "Taken back" in text_of(console.get(address(component, "?day=2026-01-14")))


def test_who_has_no_role_on_the_page_corrects_nothing(client: Client, component: Component):
    correction = corrected(component)
    for url in (
        address(component),
        reverse("admin:pages_correction_revoke", args=[correction.pk]),
    ):
        assert client.post(url, VALUES).status_code in {302, 403}

    assert Correction.objects.filter(revoked_at__isnull=True).count() == 1


@pytest.mark.parametrize(
    ("role", "may"), [("viewer", False), ("editor", False), ("publisher", True)]
)
def test_publishers_correct_and_others_look(
    client: Client, component: Component, role: str, may: bool
):
    user = UserFactory(username="ann")
    PageMembership.objects.create(page=component.page, user=user, role=role)
    client.force_login(user)

    shown = client.get(address(component))
    client.post(address(component), VALUES)

    assert shown.status_code == 200
    assert ("data-past-form" in shown.content.decode()) is may
    assert Correction.objects.exists() is may


def test_a_components_screens_cost_the_same_with_many_corrections(
    console: Client, component: Component
):
    def statements(url: str) -> int:
        with CaptureQueriesContext(connection) as captured:
            console.get(url)
        return len(captured)

    own = reverse("admin:pages_component_change", args=[component.pk])
    past = address(component, "?month=2026-01")
    for url in (own, past):
        statements(url)
    before = [statements(own), statements(past)]
    for hour in range(20):
        corrected(component, hour=hour)

    assert [statements(own), statements(past)] == before
    assert before[1] <= 25
    page = console.get(own)
    assert "All corrections" in page.content.decode()
    listed = reverse("admin:pages_correction_changelist") + f"?component__id__exact={component.pk}"
    assert "A false alarm." in console.get(listed).content.decode()
