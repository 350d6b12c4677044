"""A page's form in a real browser: rows are dragged and moved by keys, and the preview follows what is typed."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings as project
from django.test import Client
from django.utils import timezone
from playwright.sync_api import Locator, Page, expect

from apps.accounts.models import User
from apps.pages.models import Component, ComponentGroup, Correction
from apps.pages.services import create_component, create_group, create_page
from tests.factories import PERSON

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
    """A tab in which a superuser is logged in; nothing in it may complain."""
    client = Client()
    client.force_login(User.objects.create_superuser("root"))
    tab = open_tab(viewport={"width": 1440, "height": 1700}, base_url=live_server.url)
    name = project.SESSION_COOKIE_NAME
    cookie = {"name": name, "value": client.cookies[name].value, "url": live_server.url}
    tab.page.context.add_cookies([cookie])
    tab.page.set_default_timeout(15_000)
    yield tab.page
    assert not tab.complaints


@pytest.fixture
def form(live_server: Any) -> str:
    """The form of Acme: Web, then Europe with Checkout and Search, then Jobs. A year old."""
    by: Any = {"actor": PERSON, "at": timezone.now() - timedelta(days=365)}
    page = create_page(name="Acme", slug="acme", time_zone="Europe/Berlin", **by)
    create_component(page_id=page.pk, name="Web", **by)
    group = create_group(page_id=page.pk, name="Europe", **by)
    for name in ("Checkout", "Search"):
        create_component(page_id=page.pk, group_id=group.pk, name=name, **by)
    create_component(page_id=page.pk, name="Jobs", **by)
    return f"{live_server.url}/admin/pages/page/{page.pk}/change/"


def row(page: Page, name: str) -> Locator:
    """Return the row of the board whose name is typed in it."""
    return page.locator(".board-entry", has=page.locator(f'input[value="{name}"]')).last


def handle(page: Page, name: str) -> Locator:
    return page.get_by_role("button", name=f"Move {name}: drag, or press the arrow keys")


def drag(page: Page, name: str, to: Locator, *, part: float) -> None:
    """Drag a row by its handle over another, so far down in it (0 to 1)."""
    begin, end = handle(page, name).bounding_box(), to.bounding_box()
    assert begin
    assert end
    page.mouse.move(begin["x"] + begin["width"] / 2, begin["y"] + begin["height"] / 2)
    page.mouse.down()
    page.mouse.move(end["x"] + 80, end["y"] + end["height"] * part, steps=12)
    page.mouse.up()


def save(page: Page) -> None:
    page.get_by_role("button", name="Save", exact=True).click()
    page.wait_for_load_state()


def order() -> list[str]:
    groups, live = ComponentGroup.objects.live(), Component.objects.live()
    rows = sorted([*groups, *live.filter(group=None)], key=lambda one: one.position)
    found: list[str] = []
    for one in rows:
        found.append(one.name)
        if isinstance(one, ComponentGroup):
            found += [f"{one.name}/{it.name}" for it in live.filter(group=one).order_by("position")]
    return found


def test_rows_are_dragged_within_a_level_into_a_group_and_as_a_group(console: Page, form: str):
    console.goto(form)

    drag(console, "Search", row(console, "Checkout"), part=0.2)
    drag(console, "Jobs", row(console, "Checkout"), part=0.8)
    drag(console, "Europe", row(console, "Web"), part=0.1)
    save(console)

    expect(console.get_by_text("was changed successfully")).to_be_visible()
    assert order() == ["Europe", "Europe/Search", "Europe/Checkout", "Europe/Jobs", "Web"]


def test_everything_is_moved_by_keys_alone(console: Page, form: str):
    console.goto(form)

    handle(console, "Search").focus()
    console.keyboard.press("ArrowUp")
    expect(console.locator("[data-board-says]")).to_have_text("Search: 1 of 2 in Europe.")
    expect(handle(console, "Search")).to_be_focused()
    console.get_by_role("button", name="Move Jobs up").focus()
    console.keyboard.press("Enter")
    row(console, "Web").get_by_label("Group").select_option(label="Europe")
    expect(console.locator("[data-board-says]")).to_have_text("Web: 3 of 3 in Europe.")
    save(console)

    expect(console.get_by_text("was changed successfully")).to_be_visible()
    assert order() == ["Jobs", "Europe", "Europe/Search", "Europe/Checkout", "Europe/Web"]


def test_a_new_group_is_filled_before_it_is_saved(console: Page, form: str):
    console.goto(form)

    console.get_by_role("button", name="Add a group").click()
    console.keyboard.type("Asia")
    fresh = console.locator(".board-group").last
    fresh.get_by_role("button", name="Add a component to this group").click()
    console.keyboard.type("Tokyo")
    row(console, "Web").get_by_label("Group").select_option(label="Asia")
    console.get_by_role("button", name="Add a component", exact=True).click()
    console.locator(".board-component").last.get_by_text("Leave out").click()
    save(console)

    expect(console.get_by_text("was changed successfully")).to_be_visible()
    assert order()[-3:] == ["Asia", "Asia/Tokyo", "Asia/Web"]


def test_the_preview_follows_what_is_typed_and_saves_nothing(console: Page, form: str):
    console.goto(form)

    console.get_by_role("button", name="Preview the page").click()
    shown = console.frame_locator('iframe[title="The page as readers will see it"]').last
    expect(shown.get_by_text("Checkout")).to_be_attached()
    console.fill("[name=description]", "Typed just now")
    expect(shown.get_by_text("Typed just now")).to_be_visible()
    light = shown.locator("body").evaluate("node => getComputedStyle(node).backgroundColor")
    console.get_by_role("button", name="Dark").click()
    dark = shown.locator("body").evaluate("node => getComputedStyle(node).backgroundColor")
    console.get_by_role("button", name="Desktop").click()
    console.fill("[name=name]", "")
    expect(console.get_by_text("Shown without what needs correcting.")).to_be_visible()
    console.keyboard.press("Escape")

    frame = console.locator("iframe")
    assert light != dark
    assert frame.get_attribute("sandbox") == "allow-same-origin"
    assert frame.evaluate("frame => frame.style.width") == "1100px"
    assert Component.objects.get(name="Web").page.description == ""


def test_a_stretch_is_corrected_after_its_effect_was_seen(console: Page, form: str):
    component = Component.objects.get(name="Web")
    console.goto(
        form.split("/admin/", maxsplit=1)[0] + f"/admin/pages/component/{component.pk}/past/"
    )

    day = (timezone.now() - timedelta(days=3)).strftime("%Y-%m-%d")
    console.get_by_label("From").fill(f"{day}T10:00:00")
    console.get_by_label("Until").fill(f"{day}T11:00:00")
    console.get_by_label("What was true").select_option(label="Major outage")
    expect(console.get_by_role("heading", name="What it would change")).to_be_visible()
    expect(console.get_by_text("Major outage 1 h")).to_be_visible()
    assert not Correction.objects.exists()
    console.get_by_label("Reason").fill("Nobody noticed.")
    console.get_by_role("button", name="Correct", exact=True).click()
    console.wait_for_load_state()

    expect(console.get_by_text("Web was major outage")).to_be_visible()
    assert Correction.objects.get().reason == "Nobody noticed."
