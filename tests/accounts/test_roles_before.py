"""Who could do what before roles decided alone may still do it: what the two migrations write."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import pytest
from django.apps import apps
from django.contrib.auth.models import Group, Permission

from apps.accounts.models import Membership, User
from apps.pages.models import PageMembership
from tests.factories import MembershipFactory, PageFactory, UserFactory

pytestmark = pytest.mark.django_db

workspaces: Any = import_module("apps.accounts.migrations.0004_people_keep_their_roles")
pages: Any = import_module("apps.pages.migrations.0007_people_keep_their_pages")


def allowed(*codenames: str) -> list[Permission]:
    found = list(Permission.objects.filter(codename__in=codenames))
    assert len(found) == len(codenames)
    return found


def role_on_a_page(user: User) -> str | None:
    return PageMembership.objects.filter(user=user).values_list("role", flat=True).first()


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("viewer", "viewer"),
        ("responder", "editor"),
        ("editor", "publisher"),
        ("owner", "admin"),
    ],
)
def test_a_role_in_a_workspace_becomes_the_rung_that_may_the_same(before: str, after: str):
    member = MembershipFactory(role=before)

    workspaces.forwards(apps, None)

    assert Membership.objects.get(pk=member.pk).role == after
    workspaces.backwards(apps, None)
    assert Membership.objects.get(pk=member.pk).role == before


@pytest.mark.parametrize(
    ("permissions", "role"),
    [
        (["view_page"], "viewer"),
        (["view_incident"], "viewer"),
        (["view_component", "change_metric"], "editor"),
        (["add_incidenttemplate"], "editor"),
        (["change_component"], "publisher"),
        (["view_page", "add_incident"], "publisher"),
        (["change_maintenance"], "publisher"),
        (["change_page"], "admin"),
        (["delete_page", "view_page"], "admin"),
        (["change_monitor"], None),
    ],
)
def test_a_permission_for_pages_becomes_the_lowest_role_that_may_the_same(
    permissions: list[str], role: str | None
):
    PageFactory()
    person = UserFactory()
    person.user_permissions.set(allowed(*permissions))

    pages.forwards(apps, None)

    assert role_on_a_page(person) == role


def test_a_groups_permissions_count_too():
    PageFactory()
    person = UserFactory()
    duty = Group.objects.create(name="Duty")
    duty.permissions.set(allowed("change_incident"))
    person.groups.add(duty)

    pages.forwards(apps, None)

    assert role_on_a_page(person) == "publisher"


def test_who_only_is_a_member_of_a_workspace_sees_the_pages_and_no_more():
    PageFactory()
    member = MembershipFactory(role="admin")

    pages.forwards(apps, None)

    assert role_on_a_page(member.user) == "viewer"


def test_each_live_page_gets_its_members_and_an_archived_one_none():
    live = PageFactory.create_batch(2)
    PageFactory(archived=True)
    member = MembershipFactory()

    pages.forwards(apps, None)

    assert {row.page for row in PageMembership.objects.filter(user=member.user)} == set(live)


@pytest.mark.parametrize("person", [{"is_superuser": True}, {"is_staff": False}])
def test_superusers_and_who_is_no_staff_get_none(person: dict[str, bool]):
    PageFactory()
    user = UserFactory(**person)
    user.user_permissions.set(allowed("change_page"))
    MembershipFactory(user=user)

    pages.forwards(apps, None)

    assert role_on_a_page(user) is None
