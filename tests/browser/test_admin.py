"""The console in a real browser: what its scripts add, and that its policy lets them."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from apps.accounts.models import User
from apps.monitors.models import Monitor
from apps.monitors.selectors import definition_of
from tests.factories import MonitorFactory, WorkspaceFactory

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

PASSWORD = "correct horse battery"

# Playwright's loop runs in the test's thread, where Django would refuse its own synchronous queries.
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"


@pytest.fixture(autouse=True)
def _static_files_by_name(settings: Any) -> None:
    settings.STORAGES = settings.STORAGES | {
        "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    }


@pytest.fixture
def console(open_tab: Callable[..., Any], live_server: Any) -> Iterator[Page]:
    """A page on which a superuser has logged in by the form; nothing on it may complain."""
    User.objects.create_superuser("root", "root@example.com", PASSWORD)
    tab = open_tab(viewport={"width": 1440, "height": 1000})
    tab.page.set_default_timeout(15_000)
    _log_in(tab.page, live_server.url)
    yield tab.page
    assert not tab.complaints


def _log_in(page: Page, url: str) -> None:
    page.goto(f"{url}/admin/")
    page.fill("[name=username]", "root")
    page.fill("[name=password]", PASSWORD)
    page.click("button[type=submit]")
    expect(page.get_by_role("heading", name="Needs you now")).to_be_visible()


def _choose(page: Page, name: str, text: str) -> list[str]:
    """Choose in an autocomplete; return all that it offered."""
    page.locator(f"select[name={name}] + .select2 .select2-selection").click()
    options = page.locator(".select2-results__option:not(.loading-results)")
    chosen = options.filter(has_text=text).first
    expect(chosen).to_be_visible()
    offered = options.all_inner_texts()
    chosen.click()
    return offered


def _save(page: Page) -> None:
    page.get_by_role("button", name="Save", exact=True).click()
    page.wait_for_load_state()


def test_a_monitor_is_made_with_rows_of_assertions(console: Page, live_server: Any):
    WorkspaceFactory(name="Shop")
    console.goto(f"{live_server.url}/admin/monitors/monitor/add/")

    _choose(console, "workspace", "Shop")
    console.fill("[name=name]", "Orders")
    console.fill("[name=requests-0-url]", "https://orders.example.com/health")
    assertions = console.locator(".console-rows").first
    first = assertions.locator(".console-row").first
    first.get_by_label("Operator").select_option("equals")
    first.get_by_label("Value").fill("200")
    assertions.get_by_role("button", name="Add assertion").click()
    second = assertions.locator(".console-row").nth(1)
    second.get_by_label("Source").select_option("json")
    second.get_by_label("JSONPath").fill("$.state")
    second.get_by_label("Operator").select_option("in")
    second.get_by_label("Value").fill("ready, 7")
    expect(first.get_by_label("JSONPath")).to_be_hidden()
    _save(console)

    (request,) = definition_of(Monitor.objects.get(name="Orders")).requests
    assert [(one.source, one.operator, one.value) for one in request.assertions] == [
        ("status", "equals", 200),
        ("json", "in", ["ready", 7]),
    ]


def test_a_mistake_in_a_row_is_said_and_what_was_typed_is_kept(console: Page, live_server: Any):
    monitor = MonitorFactory()
    console.goto(f"{live_server.url}/admin/monitors/monitor/{monitor.pk}/edit/")

    rows = console.locator(".console-rows").first
    rows.get_by_role("button", name="Add assertion").click()
    rows.locator(".console-row").last.get_by_label("Source").select_option("json")
    rows.locator(".console-row").last.get_by_label("JSONPath").fill("not a path")
    rows.locator(".console-row").last.get_by_label("Operator").select_option("exists")
    _save(console)

    expect(console.get_by_text("Row 1, path")).to_be_visible()
    kept = console.locator(".console-row").last.get_by_label("JSONPath")
    expect(kept).to_have_value("not a path")


def test_a_removed_request_leaves_what_was_typed_into_the_next(console: Page, live_server: Any):
    WorkspaceFactory(name="Shop")
    console.goto(f"{live_server.url}/admin/monitors/monitor/add/")
    _choose(console, "workspace", "Shop")
    console.fill("[name=name]", "Orders")
    for number, path in enumerate(("first", "second", "third")):
        if number:
            console.get_by_text("Add another Request").click()
        console.fill(f"[name=requests-{number}-url]", f"https://orders.example.com/{path}")
    console.locator("#requests-data > .form-group").nth(2).get_by_label("Value").fill("299")

    console.locator("#requests-data > .form-group .delete-template").nth(1).click()
    console.locator("#requests-data > .form-group").nth(1).get_by_label("Operator").select_option(
        "at_most"
    )
    _save(console)

    requests = definition_of(Monitor.objects.get()).requests
    assert [request.url.rsplit("/")[-1] for request in requests] == ["first", "third"]
    (assertion,) = requests[1].assertions
    assert (assertion.operator, assertion.value) == ("at_most", 299)


def test_fields_that_do_not_matter_are_hidden(console: Page, live_server: Any):
    console.goto(f"{live_server.url}/admin/monitors/monitor/add/")
    console.get_by_text("Authentication", exact=True).first.click()
    kind = console.locator("[name=requests-0-auth_type]")

    expect(console.locator("[name=requests-0-auth_password]")).to_be_hidden()
    kind.select_option("basic")
    expect(console.locator("[name=requests-0-auth_password]")).to_be_visible()
    kind.select_option("bearer")

    expect(console.locator("[name=requests-0-auth_password]")).to_be_hidden()
    expect(console.locator("[name=requests-0-auth_token]")).to_be_visible()


def test_an_integration_offers_what_fits_where_scripts_are_late(console: Page, live_server: Any):
    shop = WorkspaceFactory(name="Shop")
    MonitorFactory(name="Orders", workspace=shop)
    # jQuery calls Django's own scripts by timers, which a busy machine runs after the load event.
    console.add_init_script(
        "const later = window.setTimeout.bind(window);"
        "window.setTimeout = (call, delay, ...rest) => later(call, (delay || 0) + 300, ...rest);"
    )
    console.goto(f"{live_server.url}/admin/integrations/integration/add/")
    expect(console.locator("select[name=monitor].select2-hidden-accessible")).to_be_attached()

    _choose(console, "workspace", "Shop")
    monitors = _choose(console, "monitor", "Orders")

    assert monitors == ["Orders"]
