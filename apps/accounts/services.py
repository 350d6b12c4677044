"""Changes of workspaces."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from django.db import transaction

from apps.accounts import signals
from apps.accounts.models import Membership, User, Workspace
from apps.core.actors import Actor
from apps.core.audit import record
from apps.core.editing import archive_row, create_row, edit_row, live_row
from apps.core.errors import Invalid
from apps.core.retrying import tried_again


@transaction.atomic
def create_workspace(*, name: str, actor: Actor, at: datetime) -> Workspace:
    """Create a workspace. Invalid when a live one has the name."""
    return create_row(
        Workspace(name=name, created_at=at, updated_at=at),
        action="workspace.created",
        actor=actor,
        at=at,
    )


@transaction.atomic
def update_workspace(*, workspace_id: int, name: str, actor: Actor, at: datetime) -> Workspace:
    """Rename a workspace."""
    workspace = live_row(Workspace, workspace_id, lock=True)
    edit_row(workspace, {"name": name}, action="workspace.updated", actor=actor, at=at)
    return workspace


@tried_again
@transaction.atomic
def archive_workspace(*, workspace_id: int, actor: Actor, at: datetime) -> Workspace:
    """Archive a workspace; the apps above archive what is in it."""
    workspace = live_row(Workspace, workspace_id, lock=True)
    archive_row(workspace, action="workspace.archived", actor=actor, at=at)
    signals.workspaces_archived.send(sender=Workspace, workspaces=[workspace], actor=actor, at=at)
    return workspace


@transaction.atomic
def set_members(*, workspace_id: int, roles: Mapping[int, str], actor: Actor, at: datetime) -> None:
    """Make the workspace's members exactly these, {user id: role}. Nothing is written when nothing differs."""
    workspace = live_row(Workspace, workspace_id, lock=True)
    unknown = [role for role in roles.values() if role not in Membership.Role]
    if unknown:
        raise Invalid("invalid", f"{unknown[0]!r} is no role", field="members")
    held = {member.user_id: member for member in Membership.objects.filter(workspace=workspace)}
    names = dict(
        User.objects.filter(pk__in=roles.keys() | held.keys()).values_list("pk", "username")
    )
    if roles.keys() - names.keys():
        raise Invalid("invalid", "there is no such person", field="members")
    before = {pk: member.role for pk, member in held.items()}
    differing = [
        pk for pk in sorted(before.keys() | roles.keys()) if before.get(pk) != roles.get(pk)
    ]
    if not differing:
        return
    Membership.objects.filter(workspace=workspace, user__in=before.keys() - roles.keys()).delete()
    for pk in before.keys() & roles.keys():
        if before[pk] != roles[pk]:
            Membership.objects.filter(pk=held[pk].pk).update(role=roles[pk], updated_at=at)
    Membership.objects.bulk_create(
        Membership(workspace=workspace, user_id=pk, role=roles[pk], created_at=at, updated_at=at)
        for pk in sorted(roles.keys() - before.keys())
    )
    record(
        actor=actor,
        at=at,
        action="workspace.members_set",
        row=workspace,
        changes={names[pk]: [before.get(pk, ""), roles.get(pk, "")] for pk in differing},
    )
