"""The board of a page's form: groups and components are moved, made and archived together."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from apps.core.models import AuditEvent
from apps.incidents.models import IncidentComponent
from apps.pages.models import Component, ComponentGroup, Page, PageMembership
from tests.console.forms import errors, filled_in, save
from tests.factories import (
    ComponentFactory,
    ComponentGroupFactory,
    IncidentFactory,
    PageFactory,
    UserFactory,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def page() -> Page:
    """Web, then Europe with Checkout and Search."""
    page: Page = PageFactory(name="Acme")
    ComponentFactory(page=page, name="Web", position=1)
    group = ComponentGroupFactory(page=page, name="Europe", position=2)
    ComponentFactory(page=page, group=group, name="Checkout", position=1)
    ComponentFactory(page=page, group=group, name="Search", position=2)
    return page


def url(page: Page) -> str:
    return reverse("admin:pages_page_change", args=[page.pk])


def order(page: Page) -> list[str]:
    """Return the entries of the page as readers get them; what is in a group after a slash."""
    live = Component.objects.live()
    rows = [*ComponentGroup.objects.live().filter(page=page), *live.filter(page=page, group=None)]
    found: list[str] = []
    for row in sorted(rows, key=lambda row: (row.position, row.name, row.pk)):
        found.append(row.name)
        if isinstance(row, ComponentGroup):
            inside = live.filter(group=row).order_by("position")
            found += [f"{row.name}/{one.name}" for one in inside]
    return found


def prefix_of(response: Any, name: str) -> str:
    """Return the prefix of the row on the board that has the name."""
    for inline in response.context["inline_admin_formsets"]:
        for form in inline.formset.forms:
            if form.instance.pk is not None and form.instance.name == name:
                return str(form.prefix)
    raise AssertionError(f"{name} is not on the board")


def change(client: Client, page: Page, **rows: dict[str, Any]) -> Any:
    """Send the form with inputs of rows changed, rows by their names."""
    opened = client.get(url(page))
    data = filled_in(opened)
    for name, values in rows.items():
        prefix = prefix_of(opened, name)
        data |= {f"{prefix}-{field}": value for field, value in values.items()}
    return client.post(url(page), {**data, "_save": "Save"})


def test_a_component_is_dragged_into_a_group_and_the_order_is_kept(console: Client, page: Page):
    europe = ComponentGroup.objects.get()

    response = change(
        console,
        page,
        Web={"group": europe.pk, "position": 1},
        Checkout={"position": 2},
        Search={"position": 3},
        Europe={"position": 1},
    )

    assert response.status_code == 302
    assert order(page) == ["Europe", "Europe/Web", "Europe/Checkout", "Europe/Search"]
    (event,) = AuditEvent.objects.filter(action="page.reordered")
    assert event.changes["order"][1] == "Europe (Web, Checkout, Search)"
    assert not AuditEvent.objects.filter(action="component.updated").exists()


def test_a_new_group_takes_components_that_are_there_and_new_ones(console: Client, page: Page):
    opened = console.get(url(page))
    web = prefix_of(opened, "Web")

    response = save(
        console,
        url(page),
        groups__TOTAL_FORMS="2",
        groups__1__name="Asia",
        groups__1__position="1",
        components__TOTAL_FORMS="4",
        components__3__name="Orders",
        components__3__group="groups-1",
        components__3__position="1",
        **{f"{web}-group": "groups-1", f"{web}-position": "2"},
    )

    assert response.status_code == 302
    assert order(page) == [
        "Asia",
        "Asia/Orders",
        "Asia/Web",
        "Europe",
        "Europe/Checkout",
        "Europe/Search",
    ]


def test_a_new_page_is_made_with_a_group_and_what_is_in_it(console: Client):
    save(
        console,
        reverse("admin:pages_page_add"),
        name="Shop",
        slug="shop",
        groups__TOTAL_FORMS="1",
        groups__0__name="API",
        components__TOTAL_FORMS="1",
        components__0__name="Orders",
        components__0__group="groups-0",
    )

    assert order(Page.objects.get(slug="shop")) == ["API", "API/Orders"]


def test_an_archived_group_leaves_its_components_at_the_end(console: Client, page: Page):
    response = change(console, page, Europe={"DELETE": "on"})

    assert response.status_code == 302
    assert order(page) == ["Web", "Checkout", "Search"]


def test_a_component_with_incidents_is_archived_all_the_same(console: Client, page: Page):
    IncidentComponent.objects.create(
        incident=IncidentFactory(page=page),
        component=Component.objects.get(name="Search"),
        status="major_outage",
        worst_status="major_outage",
    )

    response = change(console, page, Search={"DELETE": "on"})

    assert response.status_code == 302
    assert order(page) == ["Web", "Europe", "Europe/Checkout"]


def test_a_row_that_was_never_saved_and_is_left_out_is_nothing(console: Client, page: Page):
    response = save(
        console,
        url(page),
        components__TOTAL_FORMS="4",
        components__3__position="4",
        components__3__DELETE="on",
    )

    assert response.status_code == 302
    assert page.components.count() == 3


def test_a_group_that_does_not_exist_is_refused_in_its_row(console: Client, page: Page):
    other = ComponentGroupFactory()

    response = change(console, page, Web={"group": other.pk})

    assert "valid choice" in str(errors(response))


def test_two_of_one_name_in_one_group_are_refused_above_the_form(console: Client, page: Page):
    other = ComponentFactory(page=page, name="Search", position=5)
    europe = ComponentGroup.objects.get()
    opened = console.get(url(page))
    prefix = next(
        form.prefix
        for inline in opened.context["inline_admin_formsets"]
        for form in inline.formset.forms
        if form.instance == other
    )

    response = save(console, url(page), **{f"{prefix}-group": europe.pk})

    assert errors(response) == {"": ["There would be two components named Search in Europe."]}


def test_a_refused_form_shows_the_order_that_was_sent(console: Client, page: Page):
    response = change(
        console, page, Web={"position": 2}, Europe={"position": 1}, Checkout={"name": ""}
    )

    board = response.context["board"]
    assert [one.label for one in board.entries] == ["Europe", "Web"]
    assert "This field is required." in response.content.decode()


def test_a_component_archived_meanwhile_is_said_in_its_row(console: Client, page: Page):
    opened = console.get(url(page))
    data = filled_in(opened)
    data.pop("_shown", None)
    search = Component.objects.get(name="Search")
    Component.objects.filter(pk=search.pk).update(archived_at=search.created_at)

    response = console.post(url(page), {**data, "_save": "Save"})

    assert "Somebody archived this component meanwhile" in response.content.decode()


def test_a_viewer_reads_the_board_and_changes_nothing(page: Page, client: Client):
    viewer = UserFactory(username="vera")
    PageMembership.objects.create(page=page, user=viewer, role="viewer")
    client.force_login(viewer)

    shown = client.get(url(page)).content.decode()

    assert "Checkout" in shown
    assert 'name="components-0-name"' not in shown
    assert "data-preview" not in shown


def test_an_editor_arranges_and_does_not_touch_the_settings(page: Page, client: Client):
    editor = UserFactory(username="ed")
    PageMembership.objects.create(page=page, user=editor, role="editor")
    client.force_login(editor)
    shown = client.get(url(page))
    data = filled_in(shown) | {f"{prefix_of(shown, 'Web')}-name": "Site", "name": "Mine"}

    response = client.post(url(page), {**data, "_save": "Save"})

    assert response.status_code == 302
    page.refresh_from_db()
    assert page.name == "Acme"
    assert page.components.filter(name="Site").exists()


def test_a_hundred_components_cost_as_many_statements_as_three(console: Client, page: Page):
    def statements() -> tuple[int, int]:
        with CaptureQueriesContext(connection) as opening:
            opened = console.get(url(page))
        data = filled_in(opened)
        moved = [one for one in data if one.endswith("-position") and one.startswith("components")]
        data |= {name: 900 - number for number, name in enumerate(moved)}
        with CaptureQueriesContext(connection) as saving:
            assert console.post(url(page), {**data, "_save": "Save"}).status_code == 302
        return len(opening), len(saving)

    statements()
    few = statements()
    for number in range(100):
        ComponentFactory(page=page, name=f"Service {number}", position=number + 10)

    assert all(many <= one + 1 for one, many in zip(few, statements(), strict=True))
