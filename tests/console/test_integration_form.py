"""The integration's form: what it begins with, its preview, and how it does without scripts."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from apps.accounts.models import User
from apps.integrations.models import ComponentLink, Connector, ConnectorPage, Integration
from apps.integrations.services import create_integration
from apps.monitors.models import Monitor
from apps.pages.models import Page
from apps.pages.services import create_component, create_metric, create_page
from tests.console.forms import errors, save
from tests.factories import (
    NOW,
    PERSON,
    ConnectorFactory,
    ConnectorPageFactory,
    MembershipFactory,
    MonitorFactory,
    OutageFactory,
    PageMembershipFactory,
    UserFactory,
    WorkspaceFactory,
)
from tests.integrations.scene import definition, metric_definition, mirrored, mirrored_page

pytestmark = pytest.mark.django_db

ADD = "admin:integrations_integration_add"
PREVIEW = "admin:integrations_integration_preview"


@pytest.fixture
def monitor(db: None) -> Monitor:
    made: Monitor = MonitorFactory(name="Check orders", failure_threshold=2)
    return made


@pytest.fixture
def page(db: None) -> ConnectorPage:
    """A page of this platform, as integrations see it, with the component Checkout."""
    made = create_page(name="Acme", slug="acme", actor=PERSON, at=NOW)
    create_component(page_id=made.pk, name="Checkout", actor=PERSON, at=NOW)
    return mirrored_page(made)


def _fields(monitor: Monitor, page: ConnectorPage, **changes: Any) -> dict[str, Any]:
    return {
        "nickname": "Orders to Acme",
        "workspace": monitor.workspace_id,
        "monitor": monitor.pk,
        "connector": page.connector_id,
        "page": page.pk,
        "enabled": "on",
        "link_on": "on",
        "component_links-TOTAL_FORMS": "1",
        "component_links-0-component": mirrored().pk,
        "component_links-0-success_status": "operational",
        "component_links-0-failure_status": "partial_outage",
    } | changes


def _said(response: Any) -> str:
    assert response.status_code == 200
    return " ".join(re.sub(r"<[^>]+>", " ", response.content.decode()).split())


def _publisher(monitor: Monitor, page: ConnectorPage | None = None) -> Client:
    user: User = UserFactory(username="petra")
    MembershipFactory(user=user, workspace=monitor.workspace, role="publisher")
    if page is not None:
        held = Connector.objects.get(name="native").pages.get(pk=page.pk)

        PageMembershipFactory(
            user=user, page=Page.objects.get(public_id=held.remote_id), role="publisher"
        )
    client = Client()
    client.force_login(user)
    return client


# What it begins with.


def test_what_there_is_only_one_of_is_chosen_already(
    console: Client, monitor: Monitor, page: ConnectorPage
):
    form = console.get(reverse(ADD)).context["adminform"].form

    assert form.initial["workspace"] == monitor.workspace_id
    assert form.initial["connector"] == page.connector_id
    assert form.initial["page"] == page.pk


def test_where_there_are_several_nothing_is_chosen_for_the_person(
    console: Client, monitor: Monitor, page: ConnectorPage
):
    WorkspaceFactory()
    create_page(name="Other", slug="other", actor=PERSON, at=NOW)
    ConnectorFactory()

    form = console.get(reverse(ADD)).context["adminform"].form

    assert "workspace" not in form.initial
    assert "page" not in form.initial
    assert form.initial["connector"] == page.connector_id


def test_a_person_s_only_ones_are_those_where_they_are_publishers(
    monitor: Monitor, page: ConnectorPage
):
    WorkspaceFactory()
    create_page(name="Other", slug="other", actor=PERSON, at=NOW)

    form = _publisher(monitor, page).get(reverse(ADD)).context["adminform"].form

    assert form.initial["workspace"] == monitor.workspace_id
    assert form.initial["page"] == page.pk


def test_a_monitor_in_the_address_brings_its_workspace(console: Client, monitor: Monitor):
    WorkspaceFactory()

    form = console.get(reverse(ADD), {"monitor": monitor.pk}).context["adminform"].form

    assert (form.initial["workspace"], str(form.initial["monitor"])) == (
        monitor.workspace_id,
        str(monitor.pk),
    )


def test_a_copy_is_filled_in_as_the_original_and_saved_as_a_new_one(
    console: Client, monitor: Monitor, page: ConnectorPage
):
    owner = ConnectorPage.objects.get(pk=page.pk)
    original = _integration(monitor, owner)

    opened = console.get(
        reverse("admin:integrations_integration_duplicate", args=[original.pk]), follow=True
    )
    address = opened.redirect_chain[-1][0]
    response = save(console, address)

    assert response.status_code == 302, errors(response)
    copy = Integration.objects.exclude(pk=original.pk).get()
    assert copy.nickname == "Checkout to page (copy)"
    assert copy.component_links.get().component == original.component_links.get().component
    assert copy.incident_rule.name == original.incident_rule.name
    assert copy.metric_rule.metric == original.metric_rule.metric


def test_a_copy_of_what_is_not_there_is_an_empty_form(console: Client):
    response = console.get(reverse(ADD), {"copy_of": "12345"})

    assert response.status_code == 200
    assert "(copy)" not in response.content.decode()


def _integration(monitor: Monitor, page: ConnectorPage) -> Integration:

    owner = Page.objects.get(public_id=page.remote_id)
    return create_integration(
        definition=definition(monitor, owner, metric=metric_definition(owner)), actor=PERSON, at=NOW
    )


# The actions.


def test_without_an_action_the_error_is_at_the_actions(
    console: Client, monitor: Monitor, page: ConnectorPage
):
    response = console.post(
        reverse(ADD), {**_fields(monitor, page, link_on=""), **_management(1), "_save": "Save"}
    )

    text = response.content.decode()
    assert '<p id="actions-error"' in text
    assert 'aria-describedby="actions-error"' in text


def test_a_switch_without_a_component_is_refused_in_its_row(
    console: Client, monitor: Monitor, page: ConnectorPage
):
    blank = {"component_links-0-component": "", "component_links-0-failure_status": "major_outage"}
    fields = _fields(monitor, page) | blank

    response = console.post(reverse(ADD), {**fields, **_management(1), "_save": "Save"})

    assert errors(response)["component_links-0-component"] == ["Choose a component of the page."]


def test_rows_of_an_action_that_is_off_are_left_out_whatever_they_hold(
    console: Client, monitor: Monitor, page: ConnectorPage
):
    fields = _fields(monitor, page, link_on="", incident_on="on", incident_name="Orders fail")
    broken = {"component_links-0-component": "nonsense", "component_links-0-failure_status": "?"}

    response = console.post(reverse(ADD), {**fields, **broken, **_management(1), "_save": "Save"})

    assert response.status_code == 302, errors(response)
    assert not ComponentLink.objects.exists()


def test_switching_the_action_off_takes_its_components_away(
    console: Client, monitor: Monitor, page: ConnectorPage
):
    row = _integration(monitor, page)

    response = save(
        console, reverse("admin:integrations_integration_change", args=[row.pk]), link_on=""
    )

    assert response.status_code == 302, errors(response)
    assert ComponentLink.objects.get().archived_at is not None


def test_a_new_row_that_was_removed_again_is_left_out(
    console: Client, monitor: Monitor, page: ConnectorPage
):
    fields = _fields(monitor, page, **{"component_links-TOTAL_FORMS": "2"})
    removed = {"component_links-1-component": "", "component_links-1-DELETE": "on"}

    response = console.post(reverse(ADD), {**fields, **removed, **_management(2), "_save": "Save"})

    assert response.status_code == 302, errors(response)
    assert ComponentLink.objects.count() == 1


def test_what_the_person_may_not_publish_is_refused_at_its_field(
    monitor: Monitor, page: ConnectorPage
):
    elsewhere = MonitorFactory()
    client = _publisher(monitor)
    fields = _fields(monitor, page) | {"monitor": elsewhere.pk}

    response = client.post(reverse(ADD), {**fields, **_management(1), "_save": "Save"})

    assert {"monitor", "page", "component_links-0-component"} <= errors(response).keys()
    assert not Integration.objects.exists()


def test_a_metric_of_a_page_that_is_not_theirs_is_refused(monitor: Monitor, page: ConnectorPage):
    other = create_page(name="Other", slug="other", actor=PERSON, at=NOW)
    create_metric(page_id=other.pk, name="Latency", unit="ms", actor=PERSON, at=NOW)
    metric = mirrored_page(other).metrics.get()
    client = _publisher(monitor, page)
    fields = _fields(monitor, page, metric_on="on", metric=metric.pk)

    response = client.post(reverse(ADD), {**fields, **_management(1), "_save": "Save"})

    assert "metric" in errors(response)


def _management(total: int) -> dict[str, str]:
    return {
        "component_links-TOTAL_FORMS": str(total),
        "component_links-INITIAL_FORMS": "0",
        "component_links-MIN_NUM_FORMS": "0",
        "component_links-MAX_NUM_FORMS": "1000",
    }


# The preview.


def test_the_preview_says_what_would_happen_and_changes_nothing(
    console: Client, monitor: Monitor, page: ConnectorPage
):
    OutageFactory(monitor=monitor)
    fields = _fields(
        monitor,
        page,
        incident_on="on",
        incident_name="Orders fail",
        incident_message="We **look**.",
    )

    said = _said(console.post(reverse(PREVIEW), fields))

    assert "When “Check orders” fails (after 2 failed runs in a row)" in said
    assert "“Checkout” on “Acme” becomes Partial outage" in said
    assert "The incident “Orders fail” is created on “Acme”" in said
    assert "We look ." in said
    assert "the only place where it is told" in said
    assert "failing since" in said
    assert not Integration.objects.exists()


def test_what_does_not_fit_together_is_not_chosen_yet(
    console: Client, monitor: Monitor, page: ConnectorPage
):
    fields = _fields(
        monitor, page, workspace=WorkspaceFactory().pk, connector=ConnectorFactory().pk
    )

    said = _said(console.post(reverse(PREVIEW), fields))

    assert "Choose a monitor. Choose a page." in said
    assert "Checkout" not in said


@pytest.mark.parametrize("value", ["", "x", "-1", "9" * 30, "1 OR 1=1", "²"])
def test_nonsense_in_the_form_is_no_error_of_the_preview(
    console: Client, monitor: Monitor, page: ConnectorPage, value: str
):
    names = ("workspace", "monitor", "connector", "page", "metric", "metric_measure")
    rows = {
        "component_links-TOTAL_FORMS": value,
        "component_links-0-component": value,
        "component_links-0-failure_status": value,
        "incident_status": value,
        "incident_impact": value,
    }
    fields = _fields(monitor, page, incident_on="on", metric_on="on", **rows)

    said = _said(console.post(reverse(PREVIEW), fields | dict.fromkeys(names, value)))

    assert "Choose a monitor." in said


def test_the_preview_tells_nothing_of_what_the_person_does_not_see(
    monitor: Monitor, page: ConnectorPage
):
    secret = MonitorFactory(name="Secret check")
    hidden_page = create_page(name="Hidden", slug="hidden", actor=PERSON, at=NOW)
    client = _publisher(monitor, page)
    fields = _fields(monitor, page) | {
        "workspace": secret.workspace_id,
        "monitor": secret.pk,
        "page": mirrored_page(hidden_page).pk,
    }

    said = _said(client.post(reverse(PREVIEW), fields))

    assert "Secret check" not in said
    assert "Hidden" not in said


def test_the_preview_is_for_those_who_may_save(monitor: Monitor, page: ConnectorPage):
    reader = UserFactory(username="vera")
    MembershipFactory(user=reader, workspace=monitor.workspace, role="viewer")
    client = Client()
    client.force_login(reader)

    assert client.post(reverse(PREVIEW), _fields(monitor, page)).status_code == 403
    assert client.get(reverse(PREVIEW)).status_code in {403, 405}


def test_without_scripts_a_button_shows_the_preview_and_saves_nothing(
    console: Client, monitor: Monitor, page: ConnectorPage
):
    fields = {**_fields(monitor, page), **_management(1), "_preview": "1"}

    response = console.post(reverse(ADD), fields)

    text = response.content.decode()
    assert "Nothing is saved yet." in text
    assert "“Checkout” on “Acme” becomes" in text
    assert 'value="Orders to Acme"' in text
    assert not Integration.objects.exists()


def test_without_scripts_the_choices_are_lists_grouped_by_what_they_belong_to(
    console: Client, monitor: Monitor, page: ConnectorPage
):
    MonitorFactory(name="Gone", workspace=monitor.workspace, archived=True)
    linked = console.get(reverse(ADD)).content.decode()

    text = console.get(reverse(ADD), {"plain": "1"}).content.decode()

    assert '<noscript><meta http-equiv="refresh" content="0; url=?plain=1"></noscript>' in linked
    assert f'<optgroup label="{monitor.workspace}">' in text
    assert f'<option value="{monitor.pk}">Check orders</option>' in text
    assert '<optgroup label="Acme">' in text
    assert "Gone" not in text
    assert "admin-autocomplete" not in text


def test_without_scripts_it_is_saved_as_with_them(
    console: Client, monitor: Monitor, page: ConnectorPage
):
    response = console.post(
        f"{reverse(ADD)}?plain=1", {**_fields(monitor, page), **_management(1), "_save": "Save"}
    )

    assert response.status_code == 302, errors(response)
    assert ComponentLink.objects.get().failure_status == "partial_outage"


def test_a_page_elsewhere_is_open_to_every_publisher(monitor: Monitor):
    remote = ConnectorPageFactory(name="Far away")
    client = _publisher(monitor)

    response = client.get(
        reverse("admin:autocomplete"),
        {
            "app_label": "integrations",
            "model_name": "integration",
            "field_name": "page",
            "dep_connector": remote.connector_id,
        },
    )

    assert [one["text"] for one in response.json()["results"]] == ["Far away"]


def test_who_may_only_look_reads_what_it_does(monitor: Monitor, page: ConnectorPage):
    row = _integration(monitor, page)
    reader = UserFactory(username="vera")
    MembershipFactory(user=reader, workspace=monitor.workspace, role="viewer")
    client = Client()
    client.force_login(reader)

    response = client.get(reverse("admin:integrations_integration_change", args=[row.pk]))

    text = response.content.decode()
    assert "What it does" in text
    assert "“Checkout” on “Acme” becomes" in text
    assert 'name="nickname"' not in text
