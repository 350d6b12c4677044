"""A monitor's form in a real browser: curl pasted, requests tried, values clicked, rows moved, a run waited for."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.test import Client
from playwright.sync_api import Page, expect

from apps.accounts.models import User
from apps.core.clock import database_now
from apps.monitors.models import Monitor, RunDetail, Schedule
from apps.monitors.selectors import definition_of
from tests.core.loopback import answering, serving
from tests.factories import (
    AssertionFactory,
    MonitorFactory,
    MonitorRequestFactory,
    RunFactory,
    ScheduleFactory,
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
def console(open_tab: Callable[..., Any], live_server: Any) -> Iterator[Page]:
    """A page on which a superuser is logged in; nothing on it may complain."""
    client = Client()
    client.force_login(User.objects.create_superuser("root", "root@example.com", "unused"))
    name = django_settings.SESSION_COOKIE_NAME
    tab = open_tab(viewport={"width": 1280, "height": 1000}, base_url=live_server.url)
    tab.page.context.add_cookies(
        [{"name": name, "value": client.cookies[name].value, "url": live_server.url}]
    )
    tab.page.set_default_timeout(15_000)
    yield tab.page
    assert not tab.complaints


def _choose_workspace(page: Page, text: str) -> None:
    page.locator("select[name=workspace] + .select2 .select2-selection").click()
    page.locator(".select2-results__option:not(.loading-results)", has_text=text).first.click()


def _save(page: Page) -> None:
    page.get_by_role("button", name="Save", exact=True).click()
    page.wait_for_load_state()


def _row(page: Page, number: int) -> Any:
    return page.locator("#requests-data > .form-group:not(.empty-form)").nth(number)


def test_a_request_is_pasted_tried_and_asserted_by_clicks(console: Page):
    WorkspaceFactory(name="Shop")
    body = b'{"state": "ready", "items": [{"id": 7}], "token": "t0k-of-theirs"}'
    reply = answering(body=body, headers=("Content-Type: application/json",))
    with serving(reply) as shop:
        console.goto("/admin/monitors/monitor/add/")
        _choose_workspace(console, "Shop")
        console.get_by_label("Name").first.fill("Orders")
        request = _row(console, 0)
        request.get_by_text("Paste a curl command").click()
        request.get_by_label("Command").fill(
            f"curl -X POST '{shop.url('/orders')}' -H 'Authorization: Bearer abc' --json '{{}}' -m 7"
        )
        request.get_by_role("button", name="Fill in the fields").click()
        expect(request.get_by_text("Filled in. Nothing is saved yet.")).to_be_visible()
        expect(request.get_by_label("Token")).to_have_value("abc")

        request.get_by_role("button", name="Try it").click()
        state = request.get_by_role("button", name="state")
        expect(state).to_be_visible()
        state.focus()
        console.keyboard.press("Enter")
        request.get_by_label("a variable for later requests").check()
        request.get_by_role("button", name="token").click()
        _save(console)

    monitor = Monitor.objects.get()
    (made,) = definition_of(monitor).requests
    assert (made.method, made.url, made.json) == ("POST", shop.url("/orders"), {})
    assert (made.auth.token, monitor.timeout_s) == ("abc", 7)
    assert [(one.source, one.path, one.operator, one.value) for one in made.assertions] == [
        ("status", "", "less_than", 400),
        ("json", "$.state", "equals", "ready"),
    ]
    assert [(one.variable, one.path) for one in made.extractions] == [("token", "$.token")]


def test_requests_are_put_in_order_by_buttons_added_ones_too(console: Page):
    monitor = MonitorFactory(with_request=False)
    ScheduleFactory(monitor=monitor)
    for place, name in enumerate(("one", "two"), 1):
        MonitorRequestFactory(
            monitor=monitor, name=name, url=f"http://a.test/{name}", position=place
        )
    console.goto(f"/admin/monitors/monitor/{monitor.pk}/edit/")
    for number, name in ((2, "three"), (3, "four"), (4, "five")):
        console.get_by_text("Add another Request").click()
        console.fill(f"[name=requests-{number}-url]", f"http://a.test/{name}")
    _row(console, 4).get_by_text("Authentication", exact=True).first.click()
    console.select_option("[name=requests-4-auth_type]", "bearer")
    console.fill("[name=requests-4-auth_token]", "typed")

    _row(console, 3).get_by_role("button", name="Move number 4 up").click()
    console.keyboard.press("Enter")
    console.keyboard.press("Enter")
    expect(_row(console, 0).locator("[name$=-url]")).to_have_value("http://a.test/four")
    # Where focus ended up: first of all, it can only go down again.
    expect(_row(console, 0).get_by_role("button", name="Move number 1 down")).to_be_focused()
    _row(console, 3).locator(".delete-template").click()
    expect(console.locator("#requests-data > .form-group:not(.empty-form)")).to_have_count(4)
    _save(console)

    requests = definition_of(monitor).requests
    assert [one.url.rsplit("/")[-1] for one in requests] == ["four", "one", "two", "five"]
    assert requests[-1].auth.token == "typed"


def test_assertions_are_put_in_order_by_keyboard_and_by_dragging(console: Page):
    monitor = MonitorFactory()
    ScheduleFactory(monitor=monitor)
    request = monitor.requests.get()
    for place, value in enumerate((200, 201, 202), 1):
        AssertionFactory(request=request, value=value, position=place)
    console.goto(f"/admin/monitors/monitor/{monitor.pk}/edit/")
    rows = console.locator(".console-row")

    console.get_by_role("button", name="Move down row 1").focus()
    console.keyboard.press("Enter")
    expect(rows.nth(0).get_by_label("Value")).to_have_value("201")
    rows.nth(2).locator(".console-row-handle").drag_to(
        rows.nth(0), target_position={"x": 60, "y": 3}
    )
    expect(rows.nth(0).get_by_label("Value")).to_have_value("202")
    _save(console)

    (made,) = definition_of(monitor).requests
    assert [one.value for one in made.assertions] == [202, 201, 200]


def test_a_run_is_asked_for_at_once_and_shown_when_it_is_over(console: Page):
    monitor = MonitorFactory(name="Orders")
    schedule = ScheduleFactory(monitor=monitor)
    console.goto(f"/admin/monitors/monitor/{monitor.pk}/change/")

    console.get_by_role("link", name="Run now").click()
    expect(console.get_by_text("Waiting for a worker")).to_be_visible()
    asked_at = Schedule.objects.get().run_now_at
    assert asked_at is not None
    attempt = {"state": "passed", "status": 200, "timings": {"total_ms": 31.0}}
    detail = {"name": "Health", "method": "GET", "state": "passed", "attempts": [attempt]}
    RunDetail.objects.create(schedule=schedule, due_at=asked_at, detail={"requests": [detail]})
    RunFactory(schedule=schedule, due_at=asked_at, started_at=database_now(), is_manual=True)

    expect(console.get_by_text("It is over.")).to_be_visible()
    expect(console.get_by_role("heading", name="1. Health Passed")).to_be_visible()
    expect(console.get_by_role("row", name="Total 31 ms")).to_be_visible()
