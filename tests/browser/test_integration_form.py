"""Postman's walk in a real browser: an integration is made, looked at before it is saved, and read afterwards."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from apps.accounts.models import User
from apps.integrations.models import Integration
from apps.pages.services import create_component, create_metric, create_page
from tests.factories import NOW, PERSON, MonitorFactory, WorkspaceFactory

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

# Playwright's loop runs in the test's thread, where Django would refuse its own synchronous queries.
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"

ADD = "/admin/integrations/integration/add/"


@pytest.fixture(autouse=True)
def _static_files_by_name(settings: Any) -> None:
    settings.STORAGES = settings.STORAGES | {
        "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    }


@pytest.fixture
def shop(transactional_db: None) -> None:
    """Two workspaces with a monitor each, and two pages with components and a metric."""
    orders = MonitorFactory(
        name="Check orders", workspace=WorkspaceFactory(name="Shop"), failure_threshold=2
    )
    MonitorFactory(name="Check payments", workspace=WorkspaceFactory(name="Bank"))
    assert orders.pk
    for slug in ("acme", "other"):
        page = create_page(name=slug.capitalize(), slug=slug, actor=PERSON, at=NOW)
        for name in ("Checkout", "Search"):
            create_component(page_id=page.pk, name=f"{slug} {name}", actor=PERSON, at=NOW)
        create_metric(page_id=page.pk, name=f"{slug} latency", unit="ms", actor=PERSON, at=NOW)


@pytest.fixture
def console(
    open_tab: Callable[..., Any], live_server: Any, client: Any, shop: None
) -> Iterator[Page]:
    """A tab in which a superuser is logged in; nothing in it may complain."""
    client.force_login(User.objects.create_superuser("root", "root@example.com", "not used"))
    tab = open_tab(viewport={"width": 1280, "height": 1000})
    tab.page.set_default_timeout(15_000)
    tab.page.context.add_cookies(
        [
            {"name": name, "value": one.value, "url": live_server.url}
            for name, one in client.cookies.items()
        ]
    )
    tab.page.goto(live_server.url + ADD)
    yield tab.page
    assert not tab.complaints


def _box(page: Page, label: str, number: int = 0) -> Any:
    """Return a select that looks up its choices, by its label."""
    return (
        page.get_by_role("combobox", name=label)
        .and_(page.locator(".select2-selection"))
        .nth(number)
    )


def _offered(page: Page, label: str, number: int = 0) -> list[str]:
    """Open such a select; return what it offers."""
    _box(page, label, number).click()
    found = page.locator(".select2-results__option:not(.loading-results)")
    expect(found.first).to_be_visible()
    return found.all_inner_texts()


def _choose(page: Page, label: str, text: str, number: int = 0) -> list[str]:
    """Choose in such a select with the mouse; return what it offered."""
    offered = _offered(page, label, number)
    page.locator(".select2-results__option", has_text=text).first.click()
    return offered


def _choose_by_keyboard(page: Page, label: str, text: str) -> None:
    """Choose in such a select as one does without a mouse."""
    _box(page, label).focus()
    page.keyboard.press("Enter")
    page.keyboard.type(text)
    expect(page.locator(".select2-results__option--highlighted", has_text=text)).to_be_visible()
    page.keyboard.press("Enter")


def test_the_whole_walk_with_a_preview_that_follows(console: Page):
    preview = console.locator("#integration-preview")

    console.get_by_label("Nickname").fill("Orders to Acme")
    assert _offered(console, "Monitor") == ["Choose the workspace first."]
    console.keyboard.press("Escape")
    _choose(console, "Workspace", "Shop")
    monitors = _choose(console, "Monitor", "Check orders")
    pages = _choose(console, "Page", "Acme")
    expect(preview).to_contain_text("Choose at least one action.")
    expect(console.get_by_label("Incident name")).to_be_hidden()

    console.get_by_label("Link monitor to component").check()
    components = _choose(console, "Component", "acme Checkout")
    console.get_by_role("button", name="Add another component").click()
    _choose(console, "Component", "acme Search", 1)
    console.get_by_label("Component failure status").nth(1).select_option("Degraded performance")
    console.get_by_label("Create incident when monitoring run fails").check()
    console.get_by_label("Incident name").fill("Orders fail")
    console.get_by_label("Incident impact").select_option("Critical")
    console.get_by_label("Message", exact=True).fill("We **look** into it.")
    console.get_by_label("Send metric").check()
    metrics = _choose(console, "Metric", "acme latency")

    expect(preview).to_contain_text("When “Check orders” fails (after 2 failed runs in a row)")
    expect(preview).to_contain_text("“acme Search” on “Acme” becomes Degraded performance")
    expect(preview).to_contain_text("The incident “Orders fail” is created on “Acme”")
    expect(preview.locator("blockquote strong")).to_have_text("look")
    expect(preview).to_contain_text("goes to the metric “acme latency”")
    assert not Integration.objects.exists()
    console.get_by_role("button", name="Save and continue editing").click()

    expect(console.get_by_role("heading", name="How it stands")).to_be_visible()
    made = Integration.objects.get()
    assert (monitors, pages) == (["Check orders"], ["Acme", "Other"])
    assert (components, metrics) == (["acme Checkout", "acme Search"], ["acme latency"])
    assert [
        (str(link.component), link.failure_status) for link in made.component_links.order_by("pk")
    ] == [("acme Checkout", "major_outage"), ("acme Search", "degraded_performance")]
    assert made.incident_rule.impact == "critical"
    log = console.locator("#run-log")
    expect(log.get_by_role("row")).to_have_count(3)
    console.get_by_role("link", name="Refresh run log").click()
    expect(console.locator("[data-preview-status]")).to_have_text("The run log was read again.")
    expect(log.get_by_role("row")).to_have_count(3)


def test_another_parent_clears_what_hung_on_it(console: Page):
    _choose(console, "Workspace", "Shop")
    _choose(console, "Monitor", "Check orders")
    _choose(console, "Page", "Acme")
    console.get_by_label("Link monitor to component").check()
    _choose(console, "Component", "acme Checkout")
    console.get_by_role("button", name="Add another component").click()
    _choose(console, "Component", "acme Search", 1)

    _choose(console, "Workspace", "Bank")
    _choose(console, "Page", "Other")

    expect(console.locator("[name=monitor]")).to_have_value("")
    expect(console.locator("[name=component_links-0-component]")).to_have_value("")
    expect(console.locator("[name=component_links-1-component]")).to_have_value("")
    assert _offered(console, "Component", 1) == ["other Checkout", "other Search"]
    console.keyboard.press("Escape")
    expect(console.locator("#integration-preview")).to_contain_text("Choose a monitor.")


def test_it_is_made_with_the_keyboard_alone(console: Page):
    console.get_by_label("Nickname").focus()
    console.keyboard.type("By keyboard")
    _choose_by_keyboard(console, "Workspace", "Shop")
    _choose_by_keyboard(console, "Monitor", "Check orders")
    _choose_by_keyboard(console, "Page", "Acme")
    console.get_by_label("Link monitor to component").focus()
    console.keyboard.press("Space")
    console.get_by_role("button", name="Remove").first.focus()
    console.keyboard.press("Enter")
    add = console.get_by_role("button", name="Add another component")
    expect(add).to_be_focused()
    console.keyboard.press("Enter")
    expect(_box(console, "Component")).to_be_focused()
    _choose_by_keyboard(console, "Component", "acme Checkout")

    console.get_by_role("button", name="Save", exact=True).focus()
    console.keyboard.press("Enter")

    expect(console.get_by_text("By keyboard").first).to_be_visible()
    made = Integration.objects.get()
    assert made.component_links.get().component.name == "acme Checkout"


def test_it_fits_a_phone(console: Page):
    console.set_viewport_size({"width": 390, "height": 844})
    for label in (
        "Link monitor to component",
        "Create incident when monitoring run fails",
        "Send metric",
    ):
        console.get_by_label(label).check()

    width = console.evaluate("document.documentElement.scrollWidth")

    assert width <= 390
    expect(console.get_by_role("heading", name="Preview")).to_be_visible()


def test_without_scripts_every_field_is_there_and_it_is_saved(
    open_tab: Callable[..., Any], live_server: Any, client: Any, shop: None
):
    client.force_login(User.objects.create_superuser("root", "root@example.com", "not used"))
    page = open_tab(java_script_enabled=False).page
    page.context.add_cookies(
        [
            {"name": name, "value": one.value, "url": live_server.url}
            for name, one in client.cookies.items()
        ]
    )
    page.goto(live_server.url + ADD)
    page.wait_for_url("**plain=1")

    page.get_by_label("Nickname").fill("Without scripts")
    page.get_by_label("Workspace").select_option("Shop")
    page.get_by_label("Monitor", exact=False).nth(0).select_option("Check orders")
    page.get_by_label("Page", exact=False).nth(0).select_option("Acme")
    page.locator("[name=link_on]").check()
    page.locator("[name=component_links-0-component]").select_option("acme Checkout")
    page.get_by_role("button", name="Preview").click()
    expect(page.get_by_text("“acme Checkout” on “Acme” becomes")).to_have_count(2)
    assert not Integration.objects.exists()
    page.get_by_role("button", name="Save", exact=True).click()

    expect(page.get_by_text("Without scripts").first).to_be_visible()
    assert Integration.objects.get().component_links.count() == 1
