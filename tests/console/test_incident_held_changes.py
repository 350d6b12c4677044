"""What is changed in a form, and recurring maintenance, wait for the second person as posts do."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from apps.accounts.models import User
from apps.incidents.models import Draft, Incident, Maintenance, MaintenanceSeries
from apps.incidents.services import create_maintenance
from apps.pages.models import Component
from tests.console.forms import save
from tests.factories import (
    MACHINE,
    ComponentFactory,
    MaintenanceSeriesFactory,
    PageFactory,
    PageMembershipFactory,
    UserFactory,
)
from tests.incidents.scene import opened

pytestmark = pytest.mark.django_db


@pytest.fixture
def component() -> Component:
    row: Component = ComponentFactory(page=PageFactory(name="Acme", requires_approval=True))
    return row


@pytest.fixture
def mira(component: Component) -> Client:
    """Return a second publisher's browser."""
    user: User = UserFactory(username="mira")
    PageMembershipFactory(user=user, page=component.page, role="publisher")
    client = Client()
    client.force_login(user)
    return client


def change(row) -> str:
    return reverse(f"admin:incidents_{row._meta.model_name}_change", args=[row.pk])


def the_draft(kind: str, answer) -> Draft:
    """Return the only draft, to which the answer leads."""
    draft = Draft.objects.get(settled_at=None)
    assert (draft.kind, draft.state) == (kind, "waiting")
    assert answer.url == change(draft)
    return draft


def approve(client: Client, draft: Draft) -> None:
    """Read it as the second person does, and approve what it showed."""
    shown = client.get(change(draft))
    assert "Approve and post" in shown.content.decode()
    data = {"digest": draft.digest, "sequence": shown.context["sequence"]}
    assert (
        client.post(reverse("admin:incidents_draft_post", args=[draft.pk]), data).status_code == 302
    )


def work_on(component: Component) -> Maintenance:
    at = timezone.now().replace(microsecond=0)
    row, _ = create_maintenance(
        page_id=component.page_id,
        name="Work",
        scheduled_for=at + timedelta(hours=1),
        scheduled_until=at + timedelta(hours=2),
        components=[component.pk],
        approved=True,
        actor=MACHINE,
        at=at,
    )
    return row


def test_an_incidents_new_name_waits_and_leaves_alone_what_was_not_changed(
    console: Client, mira: Client, component: Component
):
    incident: Incident = opened(component.page, actor=MACHINE)
    before = incident.name

    answer = save(console, change(incident), name="Everything burns")

    draft = the_draft("change_incident", answer)
    assert draft.asked == {"name": "Everything burns"}
    incident.refresh_from_db()
    assert incident.name == before
    approve(mira, draft)
    incident.refresh_from_db()
    assert incident.name == "Everything burns"


def test_a_form_in_which_nothing_was_changed_asks_nobody(console: Client, component: Component):
    for row in (opened(component.page, actor=MACHINE), work_on(component)):
        assert save(console, change(row)).status_code == 302

    assert not Draft.objects.exists()


def test_a_maintenances_name_components_and_times_wait(
    console: Client, mira: Client, component: Component
):
    work = work_on(component)
    other = ComponentFactory(page=component.page)

    answer = save(
        console,
        change(work),
        name="Other work",
        affected__TOTAL_FORMS=2,
        affected__1__component=other.pk,
    )
    approve(mira, the_draft("change_maintenance", answer))
    url = reverse("admin:incidents_maintenance_reschedule", args=[work.pk])
    later = (work.scheduled_until + timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%S")
    form = console.get(url).context["form"]
    console.post(
        url,
        {
            "scheduled_for": form["scheduled_for"].value().strftime("%Y-%m-%dT%H:%M:%S"),
            "scheduled_until": later,
        },
    )

    work.refresh_from_db()
    assert work.name == "Other work"
    assert work.affected.count() == 2
    draft = Draft.objects.get(settled_at=None)
    ends = work.scheduled_until
    approve(mira, draft)
    work.refresh_from_db()
    assert work.scheduled_until == ends + timedelta(hours=1)


def test_a_recurring_maintenance_announces_nothing_before_it_is_approved(
    console: Client, mira: Client, component: Component
):
    answer = save(
        console,
        reverse("admin:incidents_maintenanceseries_add"),
        page=component.page_id,
        name="Weekly",
        message="We patch.",
        components=[component.pk],
        rule="FREQ=DAILY",
        time_zone="UTC",
        first_date=f"{timezone.now():%Y-%m-%d}",
        start_time="03:00",
        duration_minutes=60,
    )

    draft = the_draft("plan_series", answer)
    assert not MaintenanceSeries.objects.exists()
    approve(mira, draft)
    series = MaintenanceSeries.objects.get()
    assert (series.name, series.components.get()) == ("Weekly", component)
    assert Maintenance.objects.filter(series=series).exists()


def test_a_changed_series_keeps_announcing_the_old_words_until_then(
    console: Client, mira: Client, component: Component
):
    series = MaintenanceSeriesFactory(page=component.page, message="Old.")

    answer = save(console, change(series), message="New.")

    draft = the_draft("change_series", answer)
    assert draft.subject == series.name
    series.refresh_from_db()
    assert series.message == "Old."
    approve(mira, draft)
    series.refresh_from_db()
    assert series.message == "New."
