"""A person who has never seen the platform sets up a page, a monitor and an integration by what the screens say.

Everything is found by its visible label; every click and every field that is filled in counts.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from apps.integrations.mirror import native_connector
from apps.integrations.models import Integration
from tests.factories import UserFactory, WorkspaceFactory

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"

AT_MOST = 25


@pytest.fixture(autouse=True)
def _static_files_by_name(settings: Any) -> None:
    settings.STORAGES = settings.STORAGES | {
        "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    }


class Newcomer:
    """Counts what a person does."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.steps = 0

    def click(self, what: Locator) -> None:
        self.steps += 1
        what.click()

    def follow(self, name: str) -> None:
        # The menu's links have a symbol before their text.
        self.click(self.page.get_by_role("link").filter(has_text=re.compile(rf"{name}\s*$")).first)
        self.page.wait_for_load_state("networkidle")

    def press(self, name: str) -> None:
        self.click(self.page.get_by_role("button", name=name, exact=True))

    def fill(self, label: str, text: str) -> None:
        self.steps += 1
        # What is required is marked with a star.
        known = re.compile(rf"^\s*{re.escape(label)}\s*\*?\s*$")
        self.page.get_by_label(known).first.fill(text)

    def save(self) -> None:
        self.press("Save")
        self.page.wait_for_load_state("networkidle")

    def choose(self, label: str, text: str) -> None:
        """Open a select that looks up its choices, and take one."""
        box = self.page.get_by_role("combobox", name=label)
        self.click(box.and_(self.page.locator(".select2-selection")).first)
        option = self.page.locator(".select2-results__option", has_text=text)
        expect(option.first).to_be_visible()
        self.click(option.first)

    def go_on(self) -> None:
        """Go back to the overview, which says what is next."""
        self.follow("Overview")


@pytest.fixture
def newcomer(open_tab: Callable[..., Any], live_server: Any, client: Any) -> Any:
    """A superuser on the overview of an installation as `manage.py up --no-demo` leaves it."""
    WorkspaceFactory(name="My team")
    native_connector()
    client.force_login(UserFactory(username="root", admin=True))
    tab = open_tab(viewport={"width": 1280, "height": 900})
    tab.page.set_default_timeout(15_000)
    cookie = client.cookies["sessionid"].value
    tab.page.context.add_cookies([{"name": "sessionid", "value": cookie, "url": live_server.url}])
    tab.page.goto(f"{live_server.url}/admin/")
    yield Newcomer(tab.page)
    assert not tab.complaints


def test_the_set_up_takes_no_manual(newcomer: Newcomer):
    page = newcomer.page
    expect(page.get_by_text("0 of 4 steps done")).to_be_visible()

    newcomer.follow("Make a page")
    newcomer.fill("Name", "Acme")
    newcomer.press("Add a component")
    newcomer.steps += 1
    page.keyboard.type("Shop")
    newcomer.save()
    newcomer.go_on()
    expect(page.get_by_text("1 of 4 steps done")).to_be_visible()

    newcomer.follow("Add a monitor")
    newcomer.fill("Name", "Shop answers")
    newcomer.fill("URL", "https://shop.example.com/health")
    newcomer.save()
    newcomer.go_on()
    expect(page.get_by_text("2 of 4 steps done")).to_be_visible()

    newcomer.follow("Add an integration")
    newcomer.fill("Nickname", "Shop to Acme")
    newcomer.choose("Monitor", "Shop answers")
    newcomer.click(page.get_by_label("Link monitor to component"))
    newcomer.choose("Component", "Shop")
    newcomer.click(page.get_by_label("Create incident when monitoring run fails"))
    newcomer.fill("Incident name", "The shop does not answer")
    newcomer.save()
    newcomer.go_on()
    expect(page.get_by_text("3 of 4 steps done")).to_be_visible()

    integration = Integration.objects.get()
    assert (integration.monitor.name, integration.page.name) == ("Shop answers", "Acme")
    assert integration.enabled
    assert newcomer.steps <= AT_MOST, f"it took {newcomer.steps}"
