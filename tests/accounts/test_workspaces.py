"""Workspaces: made, renamed, archived, and who sees them."""

from __future__ import annotations

from datetime import timedelta

import pytest

from apps.accounts.models import Workspace
from apps.accounts.roles import EDITORS
from apps.accounts.selectors import for_user
from apps.accounts.services import (
    archive_workspace,
    create_workspace,
    update_workspace,
)
from apps.accounts.signals import workspaces_archived
from apps.core.errors import Invalid, NotFound
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
    viewer = MembershipFactory(role="viewer")
    admin = MembershipFactory(user=viewer.user, role="admin")

    assert list(for_user(viewer.user, EDITORS)) == [admin.workspace]
