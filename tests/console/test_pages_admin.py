"""Pages and components at the console."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from apps.core.models import AuditEvent
from apps.pages.models import Component, ComponentGroup, Metric, Page
from apps.pages.services import set_staff_status
from tests.console.forms import errors, save
from tests.factories import NOW, PERSON, ComponentFactory, ComponentGroupFactory, PageFactory

pytestmark = pytest.mark.django_db

ADD = "admin:pages_page_add"


def test_a_page_with_a_group_a_component_and_a_metric_is_made_in_one_go(console: Client):
    response = save(
        console,
        reverse(ADD),
        name="Acme",
        slug="acme",
        groups__TOTAL_FORMS="1",
        groups__0__name="Europe",
        components__TOTAL_FORMS="1",
        components__0__name="Orders",
        components__0__showcase="on",
        metrics__TOTAL_FORMS="1",
        metrics__0__name="Latency",
        metrics__0__unit="ms",
    )

    assert response.status_code == 302
    page = Page.objects.get(slug="acme")
    assert ComponentGroup.objects.get(page=page).name == "Europe"
    assert Component.objects.get(page=page).periods.count() == 1
    assert Metric.objects.get(page=page).unit == "ms"
    assert {"page.created", "componentgroup.created", "component.created"} <= set(
        AuditEvent.objects.filter(actor_label="root").values_list("action", flat=True)
    )


def test_a_slug_that_is_taken_is_refused_at_its_field(console: Client):
    PageFactory(slug="acme")

    response = save(console, reverse(ADD), name="Acme", slug="acme")

    assert errors(response) == {"slug": ["There is already a page with this slug."]}


def test_a_component_name_that_is_taken_is_refused_in_its_row(console: Client):
    page = PageFactory()
    ComponentFactory(page=page, name="Orders")

    response = save(
        console,
        reverse("admin:pages_page_change", args=[page.pk]),
        components__TOTAL_FORMS="2",
        components__1__name="Orders",
    )

    assert "already" in str(errors(response))
    assert Component.objects.count() == 1


def test_a_component_taken_from_the_form_is_archived_not_deleted(console: Client):
    component = ComponentFactory()

    response = save(
        console,
        reverse("admin:pages_page_change", args=[component.page_id]),
        components__0__DELETE="on",
    )

    assert response.status_code == 302
    component.refresh_from_db()
    assert component.is_archived


def test_a_component_moves_to_another_group(console: Client):
    component = ComponentFactory()
    group = ComponentGroupFactory(page=component.page)

    response = save(
        console,
        reverse("admin:pages_component_change", args=[component.pk]),
        group=group.pk,
    )

    assert response.status_code == 302
    component.refresh_from_db()
    assert component.group == group


def test_a_group_of_another_page_is_refused_at_its_field(console: Client):
    component = ComponentFactory()
    group = ComponentGroupFactory()

    response = save(
        console, reverse("admin:pages_component_change", args=[component.pk]), group=group.pk
    )

    assert errors(response) == {"group": ["The group is not on this page."]}


def test_nothing_is_set_by_following_the_link_of_an_action(console: Client):
    component = ComponentFactory()
    url = reverse("admin:pages_component_set_status", args=[component.pk])

    response = console.get(url)

    assert response.status_code == 200
    assert not component.contributions.exists()


def test_staff_set_a_status_and_the_page_says_why(console: Client):
    component = ComponentFactory()
    url = reverse("admin:pages_component_set_status", args=[component.pk])

    response = console.post(url, {"status": "partial_outage"})

    assert response.status_code == 302
    component.refresh_from_db()
    assert component.status == "partial_outage"
    shown = console.get(reverse("admin:pages_component_change", args=[component.pk]))
    assert "Decides: nothing that counts is worse." in shown.content.decode()


def test_an_archived_page_is_read_only_and_not_archived_twice(console: Client):
    page = PageFactory(archived=True)

    response = console.get(reverse("admin:pages_page_change", args=[page.pk]))

    assert not response.context["has_change_permission"]
    archive = console.post(reverse("admin:pages_page_archive_row", args=[page.pk]))
    assert archive.status_code == 403


def test_archiving_asks_first(console: Client):
    page = PageFactory()
    url = reverse("admin:pages_page_archive_row", args=[page.pk])

    asked = console.get(url)
    page.refresh_from_db()
    assert asked.status_code == 200
    assert not page.is_archived
    console.post(url)

    page.refresh_from_db()
    assert page.is_archived


def test_the_history_of_a_row_is_its_audit_events(console: Client):
    component = ComponentFactory()
    set_staff_status(component_id=component.pk, status="major_outage", actor=PERSON, at=NOW)

    response = console.get(reverse("admin:pages_component_history", args=[component.pk]))

    assert "set the status of" in response.content.decode()


@pytest.mark.parametrize("screen", ["change", "changelist"])
def test_queries_do_not_grow_with_components(
    console: Client, screen: str, django_assert_max_num_queries
):
    page = PageFactory()
    args = [page.pk] if screen == "change" else []
    url = reverse(f"admin:pages_page_{screen}", args=args)
    ComponentFactory.create_batch(2, page=page)
    console.get(url)
    with django_assert_max_num_queries(100) as few:
        console.get(url)
    ComponentFactory.create_batch(20, page=page)
    for _ in range(3):
        PageFactory()

    with django_assert_max_num_queries(len(few)):
        console.get(url)


def test_a_zone_that_does_not_exist_is_refused_at_its_field(console: Client):
    page = PageFactory()
    url = reverse("admin:pages_page_change", args=[page.pk])

    response = save(console, url, time_zone="Europe/Atlantis")

    assert "IANA name" in str(errors(response)["time_zone"])
