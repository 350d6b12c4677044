"""The life of an incident and of a recurring maintenance in a real browser, by one person and by two."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings as project
from django.test import Client
from playwright.sync_api import Page, expect

from apps.accounts.models import User
from apps.incidents.models import Draft, Incident, MaintenanceSeries
from apps.incidents.services import open_incident, post_update
from apps.pages.models import Component
from apps.pages.services import create_component, create_page
from tests.factories import NOW, PERSON, PageMembershipFactory, UserFactory

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

# Playwright's loop runs in the test's thread, where Django would refuse its own synchronous queries.
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"


@pytest.fixture(autouse=True)
def _static_files_by_name(settings: Any) -> None:
    settings.STORAGES = settings.STORAGES | {
        "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    }


@pytest.fixture
def log_in(open_tab: Callable[..., Any], live_server: Any) -> Iterator[Callable[[User], Page]]:
    """Open a tab in which this person is logged in; nothing in it may complain."""
    tabs = []

    def open_for(user: User) -> Page:
        client = Client()
        client.force_login(user)
        tab = open_tab(viewport={"width": 1440, "height": 1000}, base_url=live_server.url)
        name = project.SESSION_COOKIE_NAME
        cookie = {"name": name, "value": client.cookies[name].value, "url": live_server.url}
        tab.page.context.add_cookies([cookie])
        tab.page.set_default_timeout(15_000)
        tabs.append(tab)
        page: Page = tab.page
        return page

    yield open_for
    assert [text for tab in tabs for text in tab.complaints if "409" not in text] == []


@pytest.fixture
def console(log_in: Callable[[User], Page]) -> Page:
    return log_in(User.objects.create_superuser("root"))


@pytest.fixture
def orders() -> Component:
    page = create_page(name="Acme", slug="acme", time_zone="Europe/Berlin", actor=PERSON, at=NOW)
    row: Component = create_component(page_id=page.pk, name="Orders", actor=PERSON, at=NOW)
    return row


def trouble(component: Component) -> Incident:
    incident, _ = open_incident(
        page_id=component.page.pk,
        name="Orders fail",
        status="investigating",
        message="We look.",
        components={component.pk: "major_outage"},
        actor=PERSON,
        at=NOW,
    )
    return incident


def status_of(component: Component) -> str:
    component.refresh_from_db()
    return component.status


def test_an_incident_is_opened_updated_and_resolved(console: Page, orders: Component):
    console.goto("/admin/incidents/incident/add/")
    console.get_by_label("Name").fill("Orders fail")
    console.get_by_label("Message").fill("We **look**.")
    expect(console.get_by_role("region", name="As readers will see it")).to_contain_text("We look.")
    console.get_by_label("Orders: new status").select_option("Major outage")
    console.get_by_role("button", name="Open incident").click()
    expect(console.get_by_text("Posted: readers see it now.")).to_be_visible()
    assert status_of(orders) == "major_outage"

    console.get_by_role("link", name="Post update").click()
    console.get_by_label("Status", exact=False).first.select_option("Monitoring")
    console.get_by_label("Message").fill("Better.")
    console.get_by_role("button", name="Set all back to operational").click()
    expect(console.get_by_label("Orders: new status")).to_have_value("operational")
    console.get_by_role("button", name="Post update").click()
    expect(console.get_by_text("Posted: readers see it now.")).to_be_visible()
    assert status_of(orders) == "operational"

    console.get_by_role("link", name="Resolve").click()
    console.get_by_role("button", name="Resolve").click()
    expect(console.get_by_text("Orders fail is resolved.")).to_be_visible()
    row = Incident.objects.get()
    assert [one.status for one in row.updates.order_by("sequence")] == [
        "investigating",
        "monitoring",
        "resolved",
    ]


def test_what_was_typed_is_kept_over_a_colleagues_update(console: Page, orders: Component):
    incident = trouble(orders)
    console.goto(f"/admin/incidents/incident/{incident.pk}/post-update/")
    console.get_by_label("Message").fill("Mine, long and well thought.")
    post_update(
        incident_id=incident.pk,
        status="identified",
        message="Theirs.",
        actor=PERSON,
        at=NOW + timedelta(minutes=1),
    )

    console.get_by_role("button", name="Post update").click()
    expect(console.get_by_text("Robin Doe posted meanwhile:")).to_be_visible()
    expect(console.get_by_label("Message")).to_have_value("Mine, long and well thought.")
    console.get_by_role("button", name="Post update").click()
    expect(console.get_by_text("Posted: readers see it now.")).to_be_visible()

    bodies = incident.updates.order_by("sequence").values_list("body", flat=True)
    assert list(bodies) == ["We look.", "Theirs.", "Mine, long and well thought."]


def test_the_button_says_that_it_schedules(console: Page, orders: Component):
    incident = trouble(orders)
    console.goto(f"/admin/incidents/incident/{incident.pk}/post-update/")
    console.get_by_label("Message").fill("Later.")

    console.get_by_label("Publish at").fill("2036-07-01T12:00")
    console.get_by_role("button", name="Schedule").click()

    expect(console.get_by_text("Scheduled: it is posted by itself on")).to_be_visible()
    expect(console.get_by_text("Tue 2036-07-01 12:00 (Europe/Berlin)").first).to_be_visible()
    assert Draft.objects.get().state == "scheduled"


def test_one_writes_and_another_approves_in_a_browser_of_their_own(
    log_in: Callable[[User], Page], orders: Component
):
    page = orders.page
    page.requires_approval = True
    page.save()
    incident = trouble_unapproved(orders)
    kim, mira = (UserFactory(username=name) for name in ("kim", "mira"))
    for user in (kim, mira):
        PageMembershipFactory(user=user, page=page, role="publisher")
    of_kim, of_mira = log_in(kim), log_in(mira)

    of_kim.goto(f"/admin/incidents/incident/{incident.pk}/post-update/")
    of_kim.get_by_label("Message").fill("We *know* why.")
    of_kim.get_by_role("button", name="Ask for approval").click()
    expect(of_kim.get_by_text("It waits for a publisher to post it.")).to_be_visible()
    expect(of_kim.get_by_role("button", name="Approve and post")).to_have_count(0)
    of_mira.goto("/admin/incidents/draft/")
    of_mira.get_by_role("link", name="Orders fail").first.click()
    expect(of_mira.locator("em", has_text="know")).to_be_visible()
    of_mira.get_by_role("button", name="Approve and post").click()
    expect(of_mira.get_by_text("Posted: readers see it now.")).to_be_visible()

    assert incident.updates.latest("sequence").author == "kim"


def trouble_unapproved(component: Component) -> Incident:
    incident, _ = open_incident(
        page_id=component.page.pk,
        name="Orders fail",
        status="investigating",
        message="We look.",
        approved=True,
        actor=PERSON,
        at=NOW,
    )
    return incident


def test_a_recurring_maintenance_shows_its_next_days_before_it_is_saved(
    console: Page, orders: Component
):
    console.goto("/admin/incidents/maintenanceseries/add/")
    console.locator("select[name=page] + .select2 .select2-selection").click()
    console.locator(".select2-results__option", has_text="Acme").first.click()
    console.get_by_label("Name").fill("Weekly work")
    shown = console.get_by_role("region", name="When it takes place")
    expect(shown).to_contain_text("Fill in Rule, First day, Start time")

    console.get_by_label("Fill in a usual one").select_option("Every week on Sunday")
    console.fill("[name=first_date]", "2036-03-16")
    console.fill("[name=start_time]", "02:30")
    console.get_by_label("Duration (minutes)").fill("90")
    expect(shown).to_contain_text("Sun 2036-03-16 02:30 – 04:00 (Europe/Berlin)")
    expect(shown).to_contain_text("clocks skip 02:30")
    console.get_by_role("button", name="Save", exact=True).click()
    console.wait_for_load_state()

    series = MaintenanceSeries.objects.get()
    assert (series.rule, series.time_zone) == ("FREQ=WEEKLY;BYDAY=SU", "Europe/Berlin")


def test_a_past_incident_is_told_in_rows_with_lines_of_text(console: Page, orders: Component):
    console.goto("/admin/incidents/incident/tell-past/")

    console.get_by_label("Name").fill("Fire")
    for number, (at, message) in enumerate((("10:00", "Smoke.\n\n- Alarm"), ("11:30", "Out.")), 1):
        console.get_by_label(f"Time, row {number}").fill(f"2026-03-01T{at}")
        console.get_by_label(f"Message, row {number}").fill(message)
    console.get_by_role("button", name="Add a component").click()
    console.get_by_label("Component, row 1").select_option("Orders")
    # The third select of statuses: two updates are before it.
    console.get_by_label("Status, row 1").nth(1).select_option("Partial outage")
    console.get_by_role("button", name="Publish").click()
    expect(console.get_by_text("Fire is in the history.")).to_be_visible()

    row = Incident.objects.get()
    assert [(one.status, one.body) for one in row.updates.order_by("sequence")] == [
        ("investigating", "Smoke.\n\n- Alarm"),
        ("resolved", "Out."),
    ]
    assert row.affected.get().worst_status == "partial_outage"
