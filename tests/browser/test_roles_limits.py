"""What a viewer and an editor meet in a real browser: what is theirs to do is there, the rest is not."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import pytest
from django.conf import settings as project
from django.test import Client
from playwright.sync_api import Page, expect

from apps.accounts.models import User
from apps.incidents.models import Draft, Incident
from apps.monitors.models import Monitor
from apps.pages.models import Page as StatusPage
from tests.factories import (
    ComponentFactory,
    IncidentFactory,
    MembershipFactory,
    MonitorFactory,
    PageFactory,
    PageMembershipFactory,
    UserFactory,
    WorkspaceFactory,
)

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

# Playwright's loop runs in the test's thread, where Django would refuse its own synchronous queries.
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"


@pytest.fixture(autouse=True)
def _static_files_by_name(settings: Any) -> None:
    settings.STORAGES = settings.STORAGES | {
        "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    }


@pytest.fixture
def log_in(open_tab: Callable[..., Any], live_server: Any) -> Callable[[User], Page]:
    """Open a tab in which this person is logged in."""

    def open_for(user: User) -> Page:
        client = Client()
        client.force_login(user)
        tab = open_tab(viewport={"width": 1280, "height": 900}, base_url=live_server.url)
        name = project.SESSION_COOKIE_NAME
        cookie = {"name": name, "value": client.cookies[name].value, "url": live_server.url}
        tab.page.context.add_cookies([cookie])
        tab.page.set_default_timeout(15_000)
        page: Page = tab.page
        return page

    return open_for


@pytest.fixture
def incident() -> Incident:
    """An open incident of the page Acme; another team's page, incident and monitor are there, too."""
    page = PageFactory(name="Acme", slug="acme")
    ComponentFactory(page=page, name="Shop")
    row: Incident = IncidentFactory(page=page, name="Shop is down")
    MonitorFactory(name="Shop answers", workspace=WorkspaceFactory(name="Shop team"))
    other = PageFactory(name="Other", slug="other")
    IncidentFactory(page=other, name="Theirs is down")
    MonitorFactory(name="Theirs answers", workspace=WorkspaceFactory(name="Other team"))
    return row


def member(role: str) -> User:
    """Return somebody with this role on the page Acme and in its team's workspace."""
    user: User = UserFactory(username=role)
    PageMembershipFactory(user=user, page=StatusPage.objects.get(name="Acme"), role=role)
    monitor = Monitor.objects.get(name="Shop answers")
    MembershipFactory(user=user, workspace=monitor.workspace, role=role)
    return user


def test_a_viewer_reads_and_is_offered_nothing_else(
    log_in: Callable[[User], Page], incident: Incident
):
    page = log_in(member("viewer"))

    page.goto("/admin/incidents/incident/")
    expect(page.get_by_role("link", name="Shop is down", exact=True)).to_be_visible()
    expect(page.get_by_text("Theirs is down")).to_have_count(0)
    page.get_by_role("link", name="Shop is down", exact=True).click()
    expect(page.get_by_role("heading", name="Shop is down").first).to_be_visible()
    for name in ("Post update", "Resolve", "Take over", "Merge"):
        expect(page.get_by_role("link", name=name)).to_have_count(0)
    expect(page.get_by_role("button", name="Save")).to_have_count(0)
    page.goto("/admin/monitors/monitor/")
    expect(page.get_by_role("link", name="Shop answers")).to_be_visible()
    expect(page.get_by_text("Theirs answers")).to_have_count(0)
    expect(page.get_by_role("link", name="Add monitor")).to_have_count(0)

    page.goto(f"/admin/incidents/incident/{incident.pk}/post-update/")
    expect(page.get_by_role("heading", name="You may not do this")).to_be_visible()
    page.get_by_role("link", name="To the overview").click()
    expect(page.get_by_role("heading", name="Needs you now")).to_be_visible()


def test_an_editor_writes_and_a_publisher_has_to_post(
    log_in: Callable[[User], Page], incident: Incident
):
    page = log_in(member("editor"))

    page.goto(f"/admin/incidents/incident/{incident.pk}/change/")
    expect(page.get_by_role("link", name="Resolve")).to_have_count(0)
    page.get_by_role("link", name="Post update").click()
    expect(page.get_by_role("button", name="Post update")).to_have_count(0)
    page.get_by_label("Message").fill("We know why.")
    page.get_by_role("button", name="Hand to a publisher").click()

    expect(page.get_by_text("We know why.").first).to_be_visible()
    expect(page.get_by_role("button", name="Post")).to_have_count(0)
    assert Draft.objects.get().state == "waiting"
    assert incident.updates.count() == 1


def test_what_is_another_teams_is_as_if_it_were_nowhere(
    log_in: Callable[[User], Page], incident: Incident
):
    theirs = Incident.objects.get(name="Theirs is down")
    page = log_in(member("admin"))

    page.goto(f"/admin/incidents/incident/{theirs.pk}/change/")

    expect(page.get_by_text("Theirs is down")).to_have_count(0)
    expect(page.get_by_text("doesn’t exist").first).to_be_visible()
