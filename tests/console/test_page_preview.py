"""A page as it will be, from what is typed into its form."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from apps.core.models import AuditEvent
from apps.incidents.services import open_incident
from apps.pages.models import Component, ComponentGroup, Page, PageMembership
from apps.publishing.models import Publication
from tests.console.forms import filled_in
from tests.factories import (
    NOW,
    PERSON,
    ComponentFactory,
    ComponentGroupFactory,
    MetricFactory,
    PageFactory,
    UserFactory,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def page() -> Page:
    """Web, then Europe with Checkout; Internal is hidden."""
    page: Page = PageFactory(name="Acme", slug="acme")
    ComponentFactory(page=page, name="Web", position=1)
    group = ComponentGroupFactory(page=page, name="Europe", position=2)
    ComponentFactory(page=page, group=group, name="Checkout", position=1)
    ComponentFactory(page=page, name="Internal", position=3, hidden=True)
    MetricFactory(page=page, name="Latency")
    return page


def url(page: Page) -> str:
    return reverse("admin:pages_page_preview", args=[page.pk])


def typed(client: Client, page: Page, **changes: Any) -> dict[str, Any]:
    opened = client.get(reverse("admin:pages_page_change", args=[page.pk]))
    return filled_in(opened) | {name.replace("__", "-"): one for name, one in changes.items()}


def asked(client: Client, page: Page, **changes: Any) -> Any:
    data = typed(client, page, **changes)
    return client.post(url(page), data, headers={"accept": "application/json"}).json()


def snapshot() -> list[Any]:
    return [
        list(model.objects.order_by("pk").values())
        for model in (Page, ComponentGroup, Component, Publication, AuditEvent)
    ]


def test_what_is_typed_is_shown_and_nothing_is_saved(console: Client, page: Page):
    data = typed(console, page, name="Acme of tomorrow", description="Brand new")
    before = snapshot()

    html = console.post(url(page), data, headers={"accept": "application/json"}).json()["html"]

    assert "Acme of tomorrow" in html
    assert "Brand new" in html
    assert snapshot() == before


def test_order_groups_and_new_rows_are_shown_as_they_will_be(console: Client, page: Page):
    opened = console.get(reverse("admin:pages_page_change", args=[page.pk]))
    web = next(
        form.prefix
        for form in opened.context["inline_admin_formsets"][1].formset.forms
        if form.instance.name == "Web"
    )
    changes = {
        f"{web}-group": "groups-1",
        "groups-TOTAL_FORMS": "2",
        "groups-1-name": "Asia",
        "groups-1-position": "1",
        "components-TOTAL_FORMS": "4",
        "components-3-name": "Orders",
        "components-3-group": "groups-1",
        "components-3-position": "9",
    }

    html = asked(console, page, **changes)["html"]

    assert html.index("Asia") < html.index(">Web<") < html.index("Orders") < html.index("Europe")
    assert "Internal" not in html


def test_a_renamed_component_has_its_new_name_in_its_incident(console: Client, page: Page):
    web = Component.objects.get(name="Web")
    open_incident(
        page_id=page.pk,
        name="Trouble",
        status="investigating",
        message="",
        components={web.pk: "major_outage"},
        actor=PERSON,
        at=NOW,
    )
    opened = console.get(reverse("admin:pages_page_change", args=[page.pk]))
    prefix = next(
        form.prefix
        for form in opened.context["inline_admin_formsets"][1].formset.forms
        if form.instance == web
    )

    html = asked(console, page, **{f"{prefix}-name": "Shop front"})["html"]

    assert "This incident affected: Shop front." in html
    assert ">Web<" not in html


def test_what_is_wrong_is_said_and_the_rest_is_shown(console: Client, page: Page):
    answer = asked(console, page, name="", description="Still typing")

    assert answer["problems"] == ["Name: This field is required."]
    assert "Still typing" in answer["html"]
    assert "Acme" in answer["html"]


def test_a_page_is_seen_before_it_is_made(console: Client):
    opened = console.get(reverse("admin:pages_page_add"))
    data = filled_in(opened) | {
        "name": "Shop",
        "components-TOTAL_FORMS": "1",
        "components-0-name": "Orders",
    }

    response = console.post(
        reverse("admin:pages_page_preview_new"), data, headers={"accept": "application/json"}
    )

    assert "Orders" in response.json()["html"]
    assert not Page.objects.exists()


def test_a_preview_is_private_runs_nothing_and_stands_in_our_frames_only(
    console: Client, page: Page
):
    response = console.post(url(page), typed(console, page))

    policy = response.headers["Content-Security-Policy"]
    assert "frame-ancestors 'self'" in policy
    assert policy.startswith("sandbox;")
    assert "script-src" not in policy
    assert "default-src 'none'" in policy
    assert response.headers["X-Frame-Options"] == "SAMEORIGIN"
    assert response.headers["Cache-Control"].startswith("no-store, private")
    assert b"<script" not in response.content
    assert b"noindex" in response.content


def test_what_is_typed_cannot_run(console: Client, page: Page):
    html = asked(console, page, description="<script>alert(1)</script>")["html"]

    assert "<script" not in html
    assert "&lt;script&gt;" in html


@pytest.mark.parametrize(
    ("role", "status"), [(None, {302, 404}), ("viewer", {403}), ("editor", {200})]
)
def test_only_who_may_edit_the_page_sees_a_preview(
    client: Client, page: Page, role: str | None, status: set[int]
):
    user = UserFactory(username="ann")
    if role:
        PageMembership.objects.create(page=page, user=user, role=role)
    client.force_login(user)

    assert client.post(url(page), {}).status_code in status
    assert client.post(reverse("admin:pages_page_preview_new"), {}).status_code == 403


def test_a_hundred_components_cost_as_many_statements_as_three(console: Client, page: Page):
    def statements() -> int:
        data = typed(console, page)
        with CaptureQueriesContext(connection) as captured:
            console.post(url(page), data)
        return len(captured)

    statements()
    few = statements()
    for number in range(100):
        ComponentFactory(page=page, name=f"Service {number}", position=number + 10)

    assert statements() <= few <= 40
