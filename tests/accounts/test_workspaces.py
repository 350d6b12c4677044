"""Workspaces: made, renamed, archived, and who sees them."""

from __future__ import annotations

from datetime import timedelta

import pytest

from apps.accounts.models import Membership, Workspace
from apps.accounts.selectors import for_user
from apps.accounts.services import (
    archive_workspace,
    create_workspace,
    set_members,
    update_workspace,
)
from apps.accounts.signals import workspaces_archived
from apps.core.errors import Invalid, NotFound
from apps.core.models import AuditEvent
from tests.factories import NOW, PERSON, MembershipFactory, UserFactory, WorkspaceFactory

pytestmark = pytest.mark.django_db

LATER = NOW + timedelta(minutes=1)


def test_names_are_unique_among_the_live_ones():
    first = create_workspace(name="Team", actor=PERSON, at=NOW)
    with pytest.raises(Invalid, match="already a workspace"):
        create_workspace(name="Team", actor=PERSON, at=NOW)

    archive_workspace(workspace_id=first.pk, actor=PERSON, at=LATER)
    second = create_workspace(name="Team", actor=PERSON, at=LATER)

    assert list(Workspace.objects.live()) == [second]


def test_a_workspace_is_renamed():
    workspace = create_workspace(name="Team", actor=PERSON, at=NOW)

    update_workspace(workspace_id=workspace.pk, name="Crew", actor=PERSON, at=LATER)

    workspace.refresh_from_db()
    assert (workspace.name, workspace.updated_at) == ("Crew", LATER)


def test_archiving_is_told_and_happens_once():
    told = []

    def receive(**news):
        told.append(news["workspaces"])

    workspace = WorkspaceFactory()
    workspaces_archived.connect(receive)
    try:
        archive_workspace(workspace_id=workspace.pk, actor=PERSON, at=NOW)
        with pytest.raises(NotFound):
            archive_workspace(workspace_id=workspace.pk, actor=PERSON, at=NOW)
    finally:
        workspaces_archived.disconnect(receive)

    assert told == [[workspace]]


def test_people_see_the_workspaces_of_their_memberships():
    membership = MembershipFactory()
    WorkspaceFactory()
    MembershipFactory(user=membership.user, workspace=WorkspaceFactory(archived=True))

    assert list(for_user(membership.user)) == [membership.workspace]


def test_superusers_see_all_live_workspaces():
    workspaces = WorkspaceFactory.create_batch(2)
    WorkspaceFactory(archived=True)

    assert set(for_user(UserFactory(admin=True))) == set(workspaces)


def test_a_person_who_may_not_log_in_sees_none():
    assert not for_user(UserFactory(admin=True, is_active=False)).exists()


def test_workspaces_can_be_asked_for_by_role():
    viewer = MembershipFactory(role=Membership.Role.VIEWER)
    owner = MembershipFactory(user=viewer.user, role=Membership.Role.OWNER)

    roles = frozenset({Membership.Role.EDITOR, Membership.Role.OWNER})

    assert list(for_user(viewer.user, roles=roles)) == [owner.workspace]


def test_members_become_exactly_those_that_are_named():
    staying = MembershipFactory(role="viewer")
    leaving = MembershipFactory(workspace=staying.workspace)
    coming = UserFactory()

    set_members(
        workspace_id=staying.workspace.pk,
        roles={staying.user.pk: "owner", coming.pk: "editor"},
        actor=PERSON,
        at=NOW,
    )

    members = Membership.objects.filter(workspace=staying.workspace)
    assert dict(members.values_list("user", "role")) == {
        staying.user.pk: "owner",
        coming.pk: "editor",
    }
    event = AuditEvent.objects.get()
    assert event.changes == {
        staying.user.username: ["viewer", "owner"],
        leaving.user.username: ["editor", ""],
        coming.username: ["", "editor"],
    }


@pytest.mark.parametrize("roles", [{987654: "owner"}, {987654: "king"}])
def test_an_unknown_person_or_role_is_refused(roles):
    workspace = WorkspaceFactory()

    with pytest.raises(Invalid) as refused:
        set_members(workspace_id=workspace.pk, roles=roles, actor=PERSON, at=NOW)

    assert refused.value.field == "members"
