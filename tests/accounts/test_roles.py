"""The ladder of roles, and who sees which workspaces and pages by it."""

from __future__ import annotations

import pytest

from apps.accounts.roles import ADMINS, EDITORS, LADDER, PUBLISHERS, VIEWERS, Role, rank
from apps.accounts.selectors import for_user, workspace_roles
from apps.pages.access import page_roles, pages_for
from tests.factories import (
    MembershipFactory,
    PageFactory,
    PageMembershipFactory,
    UserFactory,
    WorkspaceFactory,
)


def test_each_rung_may_what_those_below_may():
    assert set(Role.values) == VIEWERS > EDITORS > PUBLISHERS > ADMINS == {"admin"}
    assert [rank(role) for role in LADDER] == [0, 1, 2, 3]
    assert rank("owner") == -1


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("role", "seen"),
    [
        ("viewer", [True, False, False, False]),
        ("editor", [True, True, False, False]),
        ("publisher", [True, True, True, False]),
        ("admin", [True, True, True, True]),
    ],
)
def test_a_role_opens_its_rung_and_those_below(role: str, seen: list[bool]):
    member = MembershipFactory(role=role)
    reader = PageMembershipFactory(role=role)
    rungs = (VIEWERS, EDITORS, PUBLISHERS, ADMINS)

    assert [for_user(member.user, roles).exists() for roles in rungs] == seen
    assert [pages_for(reader.user, roles).exists() for roles in rungs] == seen


@pytest.mark.django_db
def test_people_see_the_live_pages_of_their_memberships():
    membership = PageMembershipFactory()
    PageFactory()
    PageMembershipFactory(user=membership.user, page=PageFactory(archived=True))

    assert list(pages_for(membership.user)) == [membership.page]
    assert page_roles(membership.user) == {membership.page.pk: "editor"}


@pytest.mark.django_db
def test_superusers_see_all_live_pages_without_a_membership():
    pages = PageFactory.create_batch(2)
    PageFactory(archived=True)
    root = UserFactory(admin=True)

    assert set(pages_for(root)) == set(pages)
    assert page_roles(root) == {}


@pytest.mark.django_db
@pytest.mark.parametrize("lost", [{"is_active": False}, {"is_staff": False}])
@pytest.mark.parametrize("is_superuser", [True, False])
def test_who_may_not_log_in_sees_nothing(lost: dict[str, bool], is_superuser: bool):
    user = UserFactory(is_superuser=is_superuser, **lost)
    MembershipFactory(user=user, role="admin")
    PageMembershipFactory(user=user, role="admin")
    WorkspaceFactory()

    assert not for_user(user).exists()
    assert not pages_for(user).exists()
    assert workspace_roles(user) == page_roles(user) == {}
