from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from tests.browser.conftest import Tab
from tests.publishing import models

pytestmark = pytest.mark.browser

PHONE = {"viewport": {"width": 360, "height": 740}}
DESKTOP = {"viewport": {"width": 1280, "height": 900}}


@pytest.mark.parametrize(
    ("size", "scheme"), [(PHONE, "dark"), (DESKTOP, "light")], ids=["dark phone", "light desktop"]
)
@pytest.mark.parametrize(
    ("state", "path"),
    [
        ("operational", ""),
        ("degraded", ""),
        ("in_trouble", ""),
        ("noticed", ""),
        ("maintained", ""),
        ("looked_back", ""),
        ("empty", ""),
        ("in_trouble", "incidents/n00000000003"),
        ("operational", "incidents/n00000000002"),
        ("maintained", "incidents/w00000000051"),
        ("maintained", "incidents/w00000000052"),
        ("maintained", "incidents/w00000000053"),
        ("looked_back", "incidents/n00000000006"),
        ("looked_back", "incidents/n00000000007"),
        ("maintained", "embed/frame"),
        ("operational", "embed/frame"),
        ("operational", "history"),
        ("operational", "history/2026-02"),
        ("operational", "nothing"),
    ],
)
def test_pages_are_accessible_and_break_no_rule_of_their_own(
    open_tab: Callable[..., Tab],
    publish: Any,
    address: str,
    state: str,
    path: str,
    size: dict[str, Any],
    scheme: str,
) -> None:
    publish(models.STATES[state]())
    tab = open_tab(color_scheme=scheme, **size)

    tab.page.goto(address + path)
    for group in tab.page.locator("details").all():
        group.evaluate("group => group.open = true")
    found = Axe().run(tab.page)

    assert found.response["violations"] == []
    assert [text for text in tab.complaints if "404" not in text] == []
    width = tab.page.evaluate("document.documentElement.scrollWidth - innerWidth")
    assert width <= 0, "the page is wider than the screen"


def test_a_change_is_seen_without_a_reload_and_announced(
    open_tab: Callable[..., Tab], publish: Any, address: str
) -> None:
    publish(models.operational())
    tab = open_tab()
    tab.page.goto(address)
    tab.page.evaluate("window.isTheSame = true")

    publish(models.in_trouble())

    expect(tab.page.locator("h1")).to_have_text("Partial System Outage", timeout=5000)
    expect(tab.page.locator("#announcer")).to_contain_text("2 open incidents")
    assert tab.page.evaluate("window.isTheSame")
    assert tab.page.title().startswith("Partial System Outage")
    assert "favicon-major" in str(tab.page.locator("[data-favicon]").get_attribute("href"))
    publish(models.operational())
    expect(tab.page.locator("h1")).to_have_text("All Systems Operational", timeout=5000)
    assert tab.complaints == []


def test_a_change_leaves_the_readers_place_and_folds_alone(
    open_tab: Callable[..., Tab], publish: Any, address: str
) -> None:
    publish(models.operational())
    tab = open_tab()
    tab.page.goto(address)
    summary = tab.page.locator("details summary").first
    summary.click()
    summary.focus()

    publish(models.with_statuses(models.operational(), Website="major_outage"))

    expect(tab.page.locator("h1")).to_have_text("Partial System Outage", timeout=5000)
    assert tab.page.locator("details").first.evaluate("group => group.open")
    assert tab.page.evaluate("document.activeElement.tagName") == "SUMMARY"


def test_polling_an_unchanged_page_costs_304(
    open_tab: Callable[..., Tab], publish: Any, address: str
) -> None:
    publish(models.operational())
    tab = open_tab()
    statuses: list[int] = []
    tab.page.on(
        "response",
        lambda response: response.url == address and statuses.append(response.status),
    )

    tab.page.goto(address)
    tab.page.wait_for_timeout(4600)

    assert statuses[:2] == [200, 200]
    assert set(statuses[2:]) == {304}


def test_everything_is_readable_without_scripts(
    open_tab: Callable[..., Tab], publish: Any, address: str
) -> None:
    publish(models.in_trouble())
    tab = open_tab(java_script_enabled=False)

    tab.page.goto(address)

    expect(tab.page.locator("h1")).to_have_text("Partial System Outage")
    expect(tab.page.get_by_text("Orders may fail. We are looking into it.")).to_be_visible()
    expect(tab.page.get_by_text("99.83 % uptime")).to_be_visible()
    expect(tab.page.locator(".local-times")).to_be_hidden()
    tab.page.get_by_role("link", name="Orders cannot be paid").click()
    expect(tab.page.locator("h1.incident-name")).to_have_text("Orders cannot be paid")
    tab.page.get_by_role("link", name="Current status").click()
    expect(tab.page.locator("div.page-status.status-major")).to_be_visible()
    tab.page.get_by_role("link", name="Incident history").click()
    tab.page.get_by_role("link", name="February").click()
    expect(tab.page.locator("h1")).to_have_text("February 2026")


def test_readers_may_have_their_own_time(
    open_tab: Callable[..., Tab], publish: Any, address: str
) -> None:
    publish(models.in_trouble())
    tab = open_tab(timezone_id="Asia/Tokyo", locale="en-GB")
    tab.page.goto(address)
    time = tab.page.locator(".update time").first
    expect(time).to_have_text("2 Mar 2026, 12:54 CET")
    assert "20:54" in str(time.get_attribute("title"))

    tab.page.get_by_role("button", name="Show my local time").click()

    expect(time).to_contain_text("20:54")
    tab.page.reload()
    expect(tab.page.locator(".update time").first).to_contain_text("20:54")
    tab.page.get_by_role("button", name="Show the page's time").click()
    expect(tab.page.locator(".update time").first).to_have_text("2 Mar 2026, 12:54 CET")


def test_the_keyboard_reaches_everything_and_reads_the_days(
    open_tab: Callable[..., Tab], publish: Any, address: str
) -> None:
    publish(models.operational())
    tab = open_tab()
    tab.page.goto(address)

    tab.page.keyboard.press("Tab")
    expect(tab.page.locator(".skip")).to_be_focused()
    tab.page.keyboard.press("Enter")
    expect(tab.page.locator("main")).to_be_focused()
    bars = tab.page.locator("svg.bars").first
    tab.page.keyboard.press("Tab")
    expect(bars).to_be_focused()
    for _ in range(21):
        tab.page.keyboard.press("ArrowLeft")

    expect(bars).to_have_attribute(
        "aria-valuetext", "9 Feb 2026: Partial outage 25 min, degraded performance 10 min"
    )
    expect(tab.page.locator(".tip").first).to_be_visible()
    tab.page.keyboard.press("ArrowRight")
    expect(bars).to_have_attribute("aria-valuetext", "10 Feb 2026: No downtime")
    tab.page.keyboard.press("Escape")
    expect(tab.page.locator(".tip").first).to_be_hidden()


def test_a_page_by_host_has_its_styles_and_follows_changes(
    open_tab: Callable[..., Tab], publish: Any, address: str
) -> None:
    publish(models.operational())
    tab = open_tab()
    by_host = address.replace("127.0.0.1", "acme.localhost").removesuffix("status/acme/")

    tab.page.goto(by_host)
    publish(models.in_trouble())

    expect(tab.page.locator("h1")).to_have_text("Partial System Outage", timeout=5000)
    assert (
        tab.page.evaluate("getComputedStyle(document.querySelector('.card')).borderRadius")
        == "14px"
    )
    assert tab.complaints == []


def test_a_new_release_of_the_styles_loads_the_page_again(
    open_tab: Callable[..., Tab], publish: Any, address: str
) -> None:
    publish(models.operational())
    tab = open_tab()
    tab.page.goto(address)
    tab.page.evaluate(
        "window.isTheSame = true; document.documentElement.dataset.assets = 'an older release'"
    )

    publish(replace(models.operational(), incidents=()))

    expect(tab.page.locator("html")).not_to_have_attribute(
        "data-assets", "an older release", timeout=6000
    )
    assert tab.page.evaluate("window.isTheSame") is None
