"""People, groups and workspaces at the console; who sees what."""

from __future__ import annotations

from html import unescape
from typing import Any

import pytest
from django.contrib import admin
from django.test import Client
from django.urls import NoReverseMatch, reverse

from apps.accounts.models import Membership, User, Workspace
from apps.core.models import AuditEvent
from apps.integrations.models import Delivery
from apps.monitors.checkers.spec import AssertionSpec, AuthSpec, ExtractionSpec, RequestSpec
from apps.monitors.definition import MonitorDefinition
from apps.monitors.services import create_monitor
from tests.console.forms import errors, save
from tests.factories import (
    NOW,
    PERSON,
    ComponentLinkFactory,
    DeliveryFactory,
    IncidentFactory,
    IntegrationFactory,
    MembershipFactory,
    MonitorFactory,
    OutageFactory,
    ScheduleFactory,
    UserFactory,
    WorkspaceFactory,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def strange(stranger: User) -> Client:
    """A browser in which the stranger is logged in."""
    client = Client()
    client.force_login(stranger)
    return client


def test_a_workspace_is_made_with_its_members(console: Client):
    robin = UserFactory(username="robin")

    response = save(
        console,
        reverse("admin:accounts_workspace_add"),
        name="Shop",
        memberships__TOTAL_FORMS="1",
        memberships__0__user=robin.pk,
        memberships__0__role="editor",
    )

    assert response.status_code == 302, errors(response)
    assert Membership.objects.get().role == "editor"
    event = AuditEvent.objects.get(action="workspace.members_set")
    assert event.changes == {"robin": ["", "editor"]}


def test_members_change_and_leave(console: Client):
    member = MembershipFactory(role="viewer")
    url = reverse("admin:accounts_workspace_change", args=[member.workspace_id])

    save(console, url, memberships__0__role="admin")
    member.refresh_from_db()
    assert member.role == "admin"
    save(console, url, memberships__0__DELETE="on")

    assert not Membership.objects.exists()


def test_a_workspace_name_that_is_taken_is_refused_at_its_field(console: Client):
    WorkspaceFactory(name="Shop")

    response = save(console, reverse("admin:accounts_workspace_add"), name="Shop")

    assert errors(response) == {"name": ["There is already a workspace with this name."]}


def test_adding_a_person_is_audited_without_the_password(console: Client):
    response = save(
        console,
        reverse("admin:accounts_user_add"),
        username="robin",
        usable_password="true",
        password1="s3cr3t-canary-9",
        password2="s3cr3t-canary-9",
    )

    assert response.status_code == 302, errors(response)
    assert User.objects.get(username="robin").check_password("s3cr3t-canary-9")
    event = AuditEvent.objects.get(action="user.created")
    assert event.object_id == User.objects.get(username="robin").public_id
    assert "canary" not in str(event.changes)


def test_a_new_person_may_log_in_unless_one_says_otherwise(console: Client):
    form = console.get(reverse("admin:accounts_user_add")).context["adminform"].form
    response = save(
        console,
        reverse("admin:accounts_user_add"),
        username="robin",
        usable_password="true",
        password1="s3cr3t-canary-9",
        password2="s3cr3t-canary-9",
        is_staff="on",
    )

    assert form["is_staff"].value() is True
    assert response.status_code == 302, errors(response)
    assert User.objects.get(username="robin").is_staff


def test_a_persons_change_and_new_password_are_audited(console: Client):
    robin = UserFactory(username="robin")

    save(console, reverse("admin:accounts_user_change", args=[robin.pk]), first_name="Robin")
    console.post(
        reverse("admin:auth_user_password_change", args=[robin.pk]),
        {"usable_password": "true", "password1": "n3w-canary-77", "password2": "n3w-canary-77"},
    )

    changes = list(
        AuditEvent.objects.filter(action="user.updated")
        .order_by("id")
        .values_list("changes", flat=True)
    )
    assert changes[0] == {"first_name": ["", "Robin"]}
    assert list(changes[1]) == ["password"]
    assert "canary" not in str(changes)


def test_people_are_changed_by_superusers_only(strange: Client, stranger: User, admin_user: User):
    for person in (stranger, admin_user):
        for screen in ("admin:accounts_user_change", "admin:auth_user_password_change"):
            response = strange.post(
                reverse(screen, args=[person.pk]), {"username": "taken", "is_superuser": "on"}
            )
            assert response.status_code in {302, 403}, screen

    stranger.refresh_from_db()
    assert not stranger.is_superuser
    assert not User.objects.filter(username="taken").exists()


def test_djangos_permissions_and_groups_are_asked_for_nowhere(console: Client, stranger: User):
    text = console.get(reverse("admin:accounts_user_change", args=[stranger.pk])).content.decode()

    assert 'name="groups"' not in text
    assert 'name="user_permissions"' not in text
    with pytest.raises(NoReverseMatch):
        reverse("admin:auth_group_changelist")


@pytest.fixture
def foreign() -> list[Any]:
    """Rows of a workspace that the stranger is no member of, each with CANARY in what is shown of it."""
    workspace = WorkspaceFactory(name="CANARY team")
    monitor = MonitorFactory(workspace=workspace, name="CANARY monitor")
    outage = OutageFactory(monitor=monitor, reason="CANARY reason")
    integration = IntegrationFactory(monitor=monitor, nickname="CANARY bridge")
    ComponentLinkFactory(integration=integration)
    delivery = DeliveryFactory(
        integration=integration, last_error="CANARY", state=Delivery.State.DEAD
    )
    AuditEvent.objects.create(
        at=NOW, actor_kind="person", action="monitor.updated", object_label="CANARY monitor"
    )
    return [workspace, monitor, outage, integration, delivery]


def test_staff_without_a_workspace_see_nothing_foreign_on_any_screen(
    strange: Client, foreign: list[Any]
):
    strange_screens = [reverse("admin:index")]
    for model in admin.site._registry:
        name = f"admin:{model._meta.app_label}_{model._meta.model_name}"
        strange_screens += [reverse(f"{name}_changelist"), reverse(f"{name}_add")]

    for url in strange_screens:
        response = strange.get(url)
        assert response.status_code in {200, 403}, url
        assert "CANARY" not in response.content.decode(), url


def test_staff_without_a_workspace_open_nothing_foreign(strange: Client, foreign: list[Any]):
    for row in foreign:
        name = f"admin:{row._meta.app_label}_{row._meta.model_name}"
        for screen in ("change", "history"):
            response = strange.get(reverse(f"{name}_{screen}", args=[row.pk]), follow=True)
            assert "CANARY" not in response.content.decode(), (name, screen)
            posted = strange.post(reverse(f"{name}_change", args=[row.pk]), {}, follow=True)
            assert "CANARY" not in posted.content.decode(), name


def test_staff_without_a_workspace_act_on_nothing_foreign(strange: Client, foreign: list[Any]):
    workspace, monitor, _, integration, delivery = foreign
    ScheduleFactory(monitor=monitor)

    for name, row in (
        ("monitors_monitor_run_now", monitor),
        ("monitors_monitor_pause", monitor),
        ("monitors_monitor_runs", monitor),
        ("monitors_monitor_archive_row", monitor),
        ("integrations_integration_archive_row", integration),
        ("integrations_delivery_replay", delivery),
        ("accounts_workspace_archive_row", workspace),
    ):
        response = strange.post(reverse(f"admin:{name}", args=[row.pk]))
        assert response.status_code in {403, 404}, name

    monitor.refresh_from_db()
    assert monitor.enabled
    assert not Workspace.objects.exclude(archived_at=None).exists()


def test_staff_choose_nothing_foreign(strange: Client, stranger: User, foreign: list[Any]):
    for model, field, parents in (
        ("integration", "workspace", {}),
        ("integration", "monitor", {"dep_workspace": foreign[0].pk}),
    ):
        response = strange.get(
            reverse("admin:autocomplete"),
            {"app_label": "integrations", "model_name": model, "field_name": field} | parents,
        )
        assert response.status_code == 403 or response.json()["results"] == []

    MembershipFactory(user=stranger, role="editor")
    posted = strange.post(
        reverse("admin:monitors_monitor_add"), {"workspace": foreign[0].pk, "name": "Mine"}
    )
    assert "workspace" in errors(posted)


@pytest.mark.parametrize(("role", "may_edit"), [("viewer", False), ("editor", True)])
def test_members_see_their_workspace_and_editors_change_it(
    strange: Client, stranger: User, role: str, may_edit: bool
):
    monitor = MonitorFactory(name="Ours")
    MembershipFactory(user=stranger, workspace=monitor.workspace, role=role)

    response = strange.get(reverse("admin:monitors_monitor_edit", args=[monitor.pk]))
    paused = strange.post(reverse("admin:monitors_monitor_pause", args=[monitor.pk]))

    assert "Ours" in response.content.decode()
    assert response.context["has_change_permission"] is may_edit
    assert (paused.status_code == 302) is may_edit


def test_who_may_only_look_sees_all_of_a_monitor_but_its_secrets(strange: Client, stranger: User):
    request = RequestSpec(
        name="Log in",
        url="https://orders.example.com/login",
        method="POST",
        headers=(("X-Api-Key", "CANARY key"), ("X-Client", "tests")),
        json={"user": "{{user}}"},
        auth=AuthSpec("basic", username="robin", password="CANARY password"),
        assertions=(AssertionSpec("status", "in", [200, 201]),),
        extractions=(ExtractionSpec("token", "json", path="$.token"),),
    )
    definition = MonitorDefinition(
        workspace_id=WorkspaceFactory().pk,
        name="Orders",
        tags=("shop",),
        variables={"user": "ann"},
        secret_variables={"pin": "CANARY pin"},
        requests=(request,),
    )
    monitor = create_monitor(definition=definition, actor=PERSON, at=NOW)
    MembershipFactory(user=stranger, workspace=monitor.workspace, role="viewer")

    response = strange.get(reverse("admin:monitors_monitor_edit", args=[monitor.pk]))

    text = unescape(response.content.decode())
    assert not response.context["has_change_permission"]
    for part in (
        "X-Api-Key: •••",
        "X-Client: tests",
        '"user": "{{user}}"',
        "robin",
        "{source: status, operator: in, value: [200, 201]}",
        "{variable: token, source: json, path: $.token}",
        "shop",
        "user=ann",
        "pin",
    ):
        assert part in text, part
    assert "CANARY" not in text


def test_staff_without_a_role_see_an_empty_overview(foreign: list[Any]):
    client = Client()
    client.force_login(UserFactory())
    IncidentFactory(name="CANARY incident")

    response = client.get(reverse("admin:index"))

    assert response.status_code == 200
    assert "CANARY" not in response.content.decode()


def test_readers_of_pages_get_no_console():
    client = Client()
    client.force_login(UserFactory(is_staff=False))

    assert client.get(reverse("admin:index")).status_code == 302
