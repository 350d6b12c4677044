"""Every screen of the console is looked at by axe, in light on a desktop and in the dark on a phone.

Each is loaded once: the browser's window and scheme change under it, as when somebody turns a tablet. What the theme
itself breaks, and blocks nobody, stands in THEME with the reason; everything else is ours to mend.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.contrib import admin
from django.test import Client
from django.urls import NoReverseMatch, reverse
from playwright.sync_api import Page

from tests.factories import (
    ComponentFactory,
    DeliveryFactory,
    DraftFactory,
    IncidentFactory,
    IncidentTemplateFactory,
    IntegrationFactory,
    MaintenanceFactory,
    MaintenanceSeriesFactory,
    MembershipFactory,
    MonitorFactory,
    OutageFactory,
    PageFactory,
    PageMembershipFactory,
    RunFactory,
    ScheduleFactory,
    UserFactory,
)

pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True),
    # A busy machine is no reason to fail.
    pytest.mark.timeout(600),
]

os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"

RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]
# {rule: (what of the theme breaks it, part of the elements' markup)}; findings elsewhere still count. None is left:
# console.css and console.js mend what the theme does not name, underline or let shrink.
THEME: dict[str, tuple[str, str]] = {}
# Tests that can run side by side.
PARTS = 2
# One template for every model.
SAME_EVERYWHERE = ("_history", "_archive_row")
SET_DARK = "isDark => document.documentElement.classList.toggle('dark', isDark)"
# The theme fades from one colour to another; what is half-way has no contrast.
SETTLES_MS = {"light": 50, "dark": 300}


@pytest.fixture(autouse=True)
def _static_files_by_name(settings: Any) -> None:
    settings.STORAGES = settings.STORAGES | {
        "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    }


@pytest.fixture
def furnished() -> Client:
    """An installation with something on every screen, and a superuser's browser."""
    page = PageFactory(name="Acme")
    ComponentFactory(page=page, name="Web", status="major_outage")
    monitor = MonitorFactory(name="Shop")
    schedule = ScheduleFactory(monitor=monitor)
    RunFactory(schedule=schedule, result="failed", reason="status is 503")
    OutageFactory(monitor=monitor, reason="status is 503")
    IntegrationFactory(monitor=monitor)
    DeliveryFactory()
    IncidentFactory(page=page, name="Shop is down")
    IncidentTemplateFactory(page=page)
    MaintenanceFactory(page=page)
    MaintenanceSeriesFactory(page=page)
    DraftFactory(page=page)
    MembershipFactory()
    PageMembershipFactory(page=page)
    client = Client()
    client.force_login(UserFactory(username="root", admin=True))
    return client


def screens() -> list[str]:
    """Return the address of every screen that a superuser is offered: lists, forms, and each row's own screens.

    Of those that are one template and the row's name, whatever the row is, the first is enough.
    """
    found = [reverse("admin:index")]
    seen: set[str] = set()
    for model, screen in sorted(admin.site._registry.items(), key=lambda one: one[0]._meta.label):
        name = f"admin:{model._meta.app_label}_{model._meta.model_name}"
        found.append(reverse(f"{name}_changelist"))
        row = model._default_manager.order_by("-pk").first()
        for pattern in screen.get_urls():
            route = str(getattr(pattern, "name", "") or "")
            if not route or route.endswith("changelist") or route.endswith(tuple(seen)):
                continue
            try:
                if route.endswith("_add"):
                    found.append(reverse(f"admin:{route}"))
                elif row is not None:
                    found.append(reverse(f"admin:{route}", args=[row.pk]))
                    seen |= {one for one in SAME_EVERYWHERE if route.endswith(one)}
            except NoReverseMatch:
                continue
    return list(dict.fromkeys(found))


def findings(page: Page) -> list[str]:
    """Return what axe finds that is not the theme's, each with the element, and what does not fit the screen."""
    options = {
        "runOnly": {"type": "tag", "values": RULES},
        "resultTypes": ["violations"],
        "iframes": False,
    }
    found = page.evaluate("options => axe.run(document, options)", options)
    wrong = [
        f"{violation['id']}: {node['html'][:160]}"
        for violation in found["violations"]
        for node in violation["nodes"]
        if not _is_the_themes(violation["id"], node["html"])
    ]
    wider = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    overflow = page.evaluate(wider)
    return [*wrong, f"is {overflow} px wider than the screen"] if overflow > 1 else wrong


def _is_the_themes(rule: str, markup: str) -> bool:
    return rule in THEME and THEME[rule][1] in markup


def _is_a_screen(page: Page, url: str) -> bool:
    """Open the address; tell whether it shows a whole page: no file, no fragment, no other screen."""
    # Asked beside the browser first: going to what is no page leaves an error page behind, later.
    asked = page.context.request.get(url, max_redirects=0)
    assert asked.status < 500, url
    if not asked.ok or "text/html" not in asked.headers.get("content-type", ""):
        return False
    answer = page.goto(url, wait_until="load")
    assert answer is not None, url
    assert answer.status < 500, url
    if "sandbox" in answer.headers.get("content-security-policy", ""):
        return False  # A preview of the public page runs no script, axe's neither; tests of that page look at it.
    # A fragment has no doctype.
    is_whole = page.evaluate("document.compatMode === 'CSS1Compat'")
    return answer.ok and page.url == url and is_whole


@pytest.mark.parametrize("part", range(PARTS))
def test_no_screen_keeps_anybody_out(
    furnished: Client, open_tab: Callable[..., Any], live_server: Any, part: int
):
    tab = open_tab()
    page: Page = tab.page
    cookie = furnished.cookies["sessionid"].value
    page.context.add_cookies([{"name": "sessionid", "value": cookie, "url": live_server.url}])
    script, looked_at = Axe().axe_script, 0

    found: dict[str, list[str]] = {}
    for address in screens()[part::PARTS]:
        page.set_viewport_size({"width": 1280, "height": 900})
        page.emulate_media(color_scheme="light")
        if not _is_a_screen(page, live_server.url + address):
            continue
        looked_at += 1
        page.evaluate(script)
        for scheme, width in (("light", 1280), ("dark", 390)):
            page.set_viewport_size({"width": width, "height": 900})
            page.emulate_media(color_scheme=scheme)
            # The theme looks at the scheme only when it loads.
            page.evaluate(SET_DARK, scheme == "dark")
            page.wait_for_timeout(SETTLES_MS[scheme])
            if wrong := findings(page):
                found[f"{address} ({scheme}, {width} px)"] = wrong

    assert looked_at > 35
    assert not found, "\n".join(f"{where}\n  " + "\n  ".join(what) for where, what in found.items())
    assert not [one for one in tab.complaints if not one.startswith("Failed to load resource")]
