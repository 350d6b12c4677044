"""Two people edit one thing: the second save is explained, and nothing is lost."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from apps.accounts.models import User
from apps.core.adminkit.shown_state import NOTHING, from_token
from apps.core.models import AuditEvent
from apps.integrations import providers
from apps.integrations.models import Connector, Integration
from apps.integrations.services import archive_integration, set_enabled
from apps.monitors import services as monitors
from apps.monitors.models import Monitor
from apps.pages import services as pages
from apps.pages.models import Component, Page
from tests.console.forms import errors, filled_in, save
from tests.factories import (
    PERSON,
    ComponentFactory,
    ComponentLinkFactory,
    ConnectorFactory,
    IncidentFactory,
    IncidentTemplateFactory,
    IntegrationFactory,
    LocationFactory,
    MaintenanceFactory,
    MaintenanceSeriesFactory,
    MembershipFactory,
    MonitorFactory,
    PageFactory,
    ScheduleFactory,
    UserFactory,
    WorkspaceFactory,
)
from tests.racing import at_once

pytestmark = pytest.mark.django_db


@pytest.fixture
def vendor():
    """An account at a provider that takes any key."""
    providers.register("toy", "tests.integrations.toy.ToyProvider")
    yield ConnectorFactory(name="Vendor", api_key="hunter2", base_url="http://127.0.0.1:9/")
    providers.unregister("toy")


class Window:
    """A person's browser with one form open."""

    def __init__(self, url: str, user: User | None = None) -> None:
        self.client = Client()
        self.client.force_login(user or UserFactory(admin=True))
        self.url = url
        self.data = filled_in(self.client.get(url))

    def send(self, **changes: Any) -> Any:
        """Change some inputs (`__` for `-`) and save."""
        self.data |= {name.replace("__", "-"): value for name, value in changes.items()}
        return self.client.post(self.url, {**self.data, "_save": "Save"})

    def send_again(self, response: Any, **changes: Any) -> Any:
        """Save the form that came back."""
        self.data = filled_in(response)
        return self.send(**changes)


def url_of(row: Any) -> str:
    # A monitor's first screen is not its form.
    name = "edit" if isinstance(row, Monitor) else "change"
    return reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_{name}", args=[row.pk])


def said(response: Any) -> list[tuple[str, str, str, str]]:
    """Return (field, was, now, yours) of what the page explains."""
    return [
        (f"{one.row}: {one.label}" if one.row else one.label, one.was, one.now, one.yours)
        for one in response.context["conflict"].differences
    ]


def test_the_second_save_of_one_field_is_held_back_and_says_who_changed_what():
    page = PageFactory(name="Acme")
    ann = UserFactory(username="ann", first_name="Ann", last_name="Lee", admin=True)
    first, second = Window(url_of(page), ann), Window(url_of(page))

    assert first.send(name="Acme One").status_code == 302
    response = second.send(name="Acme Two")

    page.refresh_from_db()
    assert page.name == "Acme One"
    assert said(response) == [("Name", "Acme", "Acme One", "Acme Two")]
    text = response.content.decode()
    assert "Ann Lee" in text
    assert "changed page Acme One" in text
    assert filled_in(response)["name"] == "Acme Two"
    assert "Nothing is saved yet" in errors(response)[""][0]


def test_saving_again_asks_for_the_box_and_with_it_saves_over():
    page = PageFactory(name="Acme")
    first, second = Window(url_of(page)), Window(url_of(page))
    first.send(name="Acme One")

    again = second.send_again(second.send(name="Acme Two"))
    assert said(again) == [("Name", "Acme", "Acme One", "Acme Two")]
    assert second.send_again(again, _save_over="on").status_code == 302

    page.refresh_from_db()
    assert page.name == "Acme Two"


def test_taking_the_others_value_needs_no_box():
    page = PageFactory(name="Acme")
    first, second = Window(url_of(page)), Window(url_of(page))
    first.send(name="Acme One")

    held = second.send(name="Acme Two")
    response = second.send_again(held, name="Acme One", description="About us")

    page.refresh_from_db()
    assert response.status_code == 302
    assert (page.name, page.description) == ("Acme One", "About us")


def test_a_third_change_is_explained_too():
    page = PageFactory(name="Acme")
    first, second = Window(url_of(page)), Window(url_of(page))
    first.send(name="Acme One")
    held = second.send(name="Acme Two")
    pages.update_page(page_id=page.pk, name="Acme Three", actor=PERSON, at=timezone.now())

    response = second.send_again(held, _save_over="on")

    assert said(response) == [("Name", "Acme One", "Acme Three", "Acme Two")]


def test_fields_that_were_left_alone_take_the_others_values():
    page = PageFactory(name="Acme", description="Old", time_zone="UTC")
    first, second = Window(url_of(page)), Window(url_of(page))
    first.send(description="New", time_zone="Europe/Berlin")

    held = second.send(name="Acme Two")
    assert second.send_again(held).status_code == 302

    page.refresh_from_db()
    assert (page.name, page.description, page.time_zone) == ("Acme Two", "New", "Europe/Berlin")


def test_the_same_save_sent_twice_is_harmless():
    page = PageFactory(name="Acme")
    window = Window(url_of(page))
    row = {"components__TOTAL_FORMS": "1", "components__0__name": "Orders"}

    responses = [window.send(name="Acme One", **row) for _ in range(2)]

    assert [response.status_code for response in responses] == [302, 302]
    assert Component.objects.filter(page=page).count() == 1
    assert AuditEvent.objects.filter(action="page.updated").count() == 1


def test_a_refused_save_keeps_what_the_form_showed_first():
    page = PageFactory(name="Acme")
    first, second = Window(url_of(page)), Window(url_of(page))
    refused = second.send(name="")
    first.send(name="Acme One")

    response = second.send_again(refused, name="Acme Two")

    assert said(response) == [("Name", "Acme", "Acme One", "Acme Two")]


def test_rows_are_merged_one_by_one():
    page = PageFactory()
    orders, search = (ComponentFactory(page=page, name=name) for name in ("Orders", "Search"))
    first, second = Window(url_of(page)), Window(url_of(page))
    first.send(components__0__name="Orders One")

    held = second.send(components__1__name="Search Two")
    assert said(held) == [("Orders One: Name", "Orders", "Orders One", "")]
    assert second.send_again(held).status_code == 302

    orders.refresh_from_db()
    search.refresh_from_db()
    assert (orders.name, search.name) == ("Orders One", "Search Two")


def test_one_field_of_one_row_clashes():
    page = PageFactory()
    ComponentFactory(page=page, name="Orders")
    first, second = Window(url_of(page)), Window(url_of(page))
    first.send(components__0__name="One")

    response = second.send(components__0__name="Two")

    assert said(response) == [("One: Name", "Orders", "One", "Two")]
    assert second.send_again(response).context["conflict"].has_clashes
    assert second.send_again(response, _save_over="on").status_code == 302
    assert Component.objects.get(page=page).name == "Two"


def test_rows_added_and_removed_by_others_are_in_the_form_that_comes_back():
    page = PageFactory()
    gone = ComponentFactory(page=page, name="Gone")
    ComponentFactory(page=page, name="Kept")
    first, second = Window(url_of(page)), Window(url_of(page))
    first.send(components__0__DELETE="on", components__TOTAL_FORMS="3", components__2__name="Ann's")

    held = second.send(
        components__0__name="Gone, renamed", components__TOTAL_FORMS="3", components__2__name="Mine"
    )
    assert said(held) == [
        ("Gone: Row", "There", "Removed", "Name: Gone, renamed"),
        ("Ann's: Row", "–", "Added", ""),
    ]
    assert second.send_again(held).status_code == 302

    gone.refresh_from_db()
    assert gone.is_archived
    live = Component.objects.live().filter(page=page)
    assert set(live.values_list("name", flat=True)) == {"Kept", "Ann's", "Mine"}


def test_removing_a_row_that_somebody_changed_needs_the_box():
    page = PageFactory()
    row = ComponentFactory(page=page, name="Orders")
    first, second = Window(url_of(page)), Window(url_of(page))
    first.send(components__0__name="One")

    held = second.send(components__0__DELETE="on")

    assert said(held) == [("One: Name", "Orders", "One", "Removed")]
    again = second.send_again(held, components__0__DELETE="on")
    assert again.context["conflict"].has_clashes
    assert second.send(_save_over="on").status_code == 302
    row.refresh_from_db()
    assert row.is_archived


def test_a_monitor_takes_the_others_requests_with_my_threshold():
    monitor = ScheduleFactory(monitor__interval_s=60, monitor__tags=["old"]).monitor
    first, second = Window(url_of(monitor)), Window(url_of(monitor))
    first.send(requests__0__url="https://other.test/", tag_lines="new\r\nnewer")

    held = second.send(failure_threshold="3")
    assert not held.context["conflict"].has_clashes
    assert second.send_again(held).status_code == 302

    monitor.refresh_from_db()
    assert (monitor.failure_threshold, monitor.tags) == (3, ["new", "newer"])
    assert monitor.requests.get().url == "https://other.test/"


def test_a_secret_that_somebody_else_changed_is_told_and_not_shown(vendor):
    window = Window(url_of(vendor))
    vendor.api_key = "hunter3"
    vendor.save()

    held = window.send(name="Vendor 2")

    assert said(held) == [("Secrets", "•••", "••• (changed)", "")]
    for page in (held.content.decode(), str(from_token(held.context["shown_token"]))):
        assert "hunter" not in page
    assert window.send_again(held).status_code == 302
    assert Connector.objects.get(pk=vendor.pk).api_key == "hunter3"


def test_two_secrets_clash(vendor):
    window = Window(url_of(vendor))
    vendor.api_key = "hunter3"
    vendor.save()

    held = window.send(key="hunter4")

    assert held.context["conflict"].has_clashes
    assert "hunter" not in held.content.decode()


def test_what_was_archived_meanwhile_says_so_and_shows_what_was_typed():
    page = PageFactory(name="Acme")
    window = Window(url_of(page))
    pages.archive_page(page_id=page.pk, actor=PERSON, at=timezone.now())

    response = window.send(name="Typed in vain")

    text = response.content.decode()
    assert response.status_code == 200
    assert "cannot be changed any more" in text
    assert "Typed in vain" in text
    assert "Robin Doe archived page Acme" in text
    assert Page.objects.get(pk=page.pk).name == "Acme"


def test_a_change_by_a_list_action_is_found_as_well():
    link = ComponentLinkFactory(integration__nickname="Bridge")
    integration = link.integration
    window = Window(url_of(integration))
    set_enabled(integration_id=integration.pk, enabled=False, actor=PERSON, at=timezone.now())

    held = window.send(nickname="Bridge 2")
    assert said(held) == [("Enabled", "Yes", "No", "")]
    assert window.send_again(held).status_code == 302

    after = Integration.objects.get(pk=integration.pk)
    assert (after.nickname, after.enabled) == ("Bridge 2", False)


def test_a_lists_action_says_which_rows_are_archived_by_now(console: Client):
    kept, gone = (ComponentLinkFactory().integration for _ in range(2))
    archive_integration(integration_id=gone.pk, actor=PERSON, at=timezone.now())

    response = console.post(
        reverse("admin:integrations_integration_changelist"),
        {"action": "pause_chosen", "_selected_action": [kept.pk, gone.pk]},
        follow=True,
    )

    text = response.content.decode()
    assert "1 of the chosen rows was archived meanwhile" in text
    assert not Integration.objects.get(pk=kept.pk).enabled
    assert Integration.objects.get(pk=gone.pk).enabled


def test_runs_and_states_are_no_changes():
    monitor = ScheduleFactory().monitor
    window = Window(url_of(monitor))
    monitors.run_now(monitor_id=monitor.pk, actor=PERSON, at=timezone.now())
    Monitor.objects.filter(pk=monitor.pk).update(updated_at=timezone.now() + timedelta(days=1))

    response = window.send(name="Renamed")
    assert response.status_code == 302, errors(response)


ROWS = [
    pytest.param(lambda: ComponentFactory(page=PageFactory()), "name", id="component"),
    pytest.param(WorkspaceFactory, "name", id="workspace"),
    pytest.param(lambda: MembershipFactory().workspace, "name", id="workspace with members"),
    pytest.param(ConnectorFactory, "name", id="connector"),
    pytest.param(MonitorFactory, "name", id="monitor"),
    pytest.param(lambda: ComponentLinkFactory().integration, "nickname", id="integration"),
    pytest.param(IntegrationFactory, "nickname", id="integration without links"),
    pytest.param(IncidentTemplateFactory, "name", id="template"),
    pytest.param(MaintenanceSeriesFactory, "name", id="series"),
    pytest.param(MaintenanceFactory, "name", id="maintenance"),
    pytest.param(IncidentFactory, "name", id="incident"),
    pytest.param(LocationFactory, "name", id="location"),
    pytest.param(UserFactory, "last_name", id="person"),
]


@pytest.mark.parametrize(("make", "field"), ROWS)
def test_every_form_finds_the_others_change(make, field):
    row = make()
    second = Window(url_of(row))
    was = second.data.get(field) or NOTHING
    type(row).objects.filter(pk=row.pk).update(**{field: "Theirs"})

    response = second.send(**{field: "Mine"})

    assert [one[1:] for one in said(response)] == [(was, "Theirs", "Mine")]
    row.refresh_from_db()
    assert getattr(row, field) == "Theirs"


@pytest.mark.parametrize("key", ["0", "x"])
def test_a_form_of_nothing_is_answered_as_djangos(console: Client, key):
    token = Window(url_of(PageFactory())).data["_shown"]

    response = console.post(f"/admin/pages/page/{key}/change/", {"_shown": token})

    assert response.status_code in {302, 404}


def test_a_forged_key_is_not_named(console: Client):
    """The form that comes back tells nobody what a row is called that they could not have chosen."""
    robin = UserFactory(username="robin")
    ours, also_ours, foreign = (WorkspaceFactory(name=name) for name in ("A", "B", "CANARY team"))
    monitor = ScheduleFactory(monitor__workspace=ours, monitor__interval_s=60).monitor
    for workspace in (ours, also_ours):
        MembershipFactory(user=robin, workspace=workspace, role="admin")
    held, archived = Window(url_of(monitor), robin), Window(url_of(monitor), robin)
    assert Window(url_of(monitor), robin).send(workspace=also_ours.pk).status_code == 302

    clash = held.send(workspace=foreign.pk)
    monitors.archive_monitor(monitor_id=monitor.pk, actor=PERSON, at=timezone.now())
    gone = archived.send(workspace=foreign.pk)

    for response in (clash, gone):
        assert response.status_code == 200
        assert "CANARY" not in response.content.decode()
    assert ("Workspace", "A", "B", str(foreign.pk)) in said(clash)


def test_a_forged_or_missing_token_is_taken_as_it_comes(console: Client):
    page = PageFactory(name="Acme")

    assert save(console, url_of(page), name="One", _shown="forged").status_code == 302

    page.refresh_from_db()
    assert page.name == "One"


def test_what_a_form_shows_is_kept_without_a_query_for_each_row(console: Client):
    page = PageFactory()
    ComponentFactory.create_batch(3, page=page)
    _queries(console, url_of(page))
    few = len(_queries(console, url_of(page)))
    ComponentFactory.create_batch(20, page=page)

    assert len(_queries(console, url_of(page))) == few


def _queries(client: Client, url: str) -> list[Any]:
    with CaptureQueriesContext(connection) as caught:
        client.get(url)
    return list(caught)


@pytest.mark.django_db(transaction=True)
def test_of_two_saves_at_once_one_is_explained():
    page = PageFactory(name="Acme")
    windows = [Window(url_of(page)) for _ in range(2)]

    outcomes = at_once(
        [
            lambda: windows[0].send(name="One").status_code,
            lambda: windows[1].send(name="Two").status_code,
        ]
    )

    assert sorted(outcomes) == [200, 302]
    page.refresh_from_db()
    assert page.name == ["One", "Two"][outcomes.index(302)]
