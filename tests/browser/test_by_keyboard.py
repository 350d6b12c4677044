"""From logging in to an update that readers see, without a mouse."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from apps.accounts.models import User
from apps.incidents.models import Incident
from tests.factories import ComponentFactory, IncidentFactory, PageFactory

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

# Playwright's loop runs in the test's thread, where Django would refuse its own synchronous queries.
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
# More presses of Tab than any of these screens has places to stop at before what is looked for.
AT_MOST = 40


@pytest.fixture(autouse=True)
def _settings(settings: Any) -> None:
    settings.STORAGES = settings.STORAGES | {
        "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    }
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture
def page(open_tab: Callable[..., Any]) -> Iterator[Page]:
    """A tab that nobody is logged in to, and that has nothing to complain about."""
    User.objects.create_superuser("mira", "mira@example.com", "correct horse")
    tab = open_tab(viewport={"width": 1280, "height": 900})
    tab.page.set_default_timeout(15_000)
    yield tab.page
    assert not tab.complaints


def tab_to(page: Page, what: Locator) -> None:
    """Press Tab until it has the focus, and see that the focus can be seen there."""
    expect(what).to_be_visible()
    for _ in range(AT_MOST):
        if what.evaluate("one => one === document.activeElement"):
            break
        page.keyboard.press("Tab")
    expect(what).to_be_focused()
    assert what.evaluate(
        "one => { const look = getComputedStyle(one);"
        " return look.outlineStyle !== 'none' || look.boxShadow !== 'none'; }"
    ), "the focus is not seen"


def skip_the_menu(page: Page) -> None:
    """Take the first stop of every screen, which leads past the menu."""
    tab_to(page, page.get_by_role("link", name="Skip to the content"))
    page.keyboard.press("Enter")


def test_an_update_is_posted_without_a_mouse(page: Page, live_server: Any):
    shop = ComponentFactory(page=PageFactory(name="Acme"), name="Shop")
    incident: Incident = IncidentFactory(page=shop.page, name="Shop is down")

    page.goto(f"{live_server.url}/admin/")
    tab_to(page, page.get_by_label("Username"))
    page.keyboard.type("mira")
    tab_to(page, page.get_by_label("Password"))
    page.keyboard.type("correct horse")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Needs you now")).to_be_visible()
    skip_the_menu(page)
    tab_to(page, page.get_by_role("main").get_by_role("link", name="Shop is down"))
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Shop is down").first).to_be_visible()
    skip_the_menu(page)
    tab_to(page, page.get_by_role("link", name="Post update"))
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Post an update").first).to_be_visible()
    skip_the_menu(page)
    tab_to(page, page.get_by_label("Message"))
    page.keyboard.type("It is back.")
    tab_to(page, page.get_by_role("button", name="Post update"))
    page.keyboard.press("Enter")

    expect(page.get_by_text("Posted: readers see it now.")).to_be_visible()
    assert incident.updates.latest("sequence").body == "It is back."
