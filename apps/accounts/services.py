"""Changes of workspaces."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from django.db import transaction

from apps.accounts import signals
from apps.accounts.members import replace_members
from apps.accounts.models import Membership, Workspace
from apps.core.actors import Actor
from apps.core.editing import archive_row, create_row, edit_row, live_row
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
    """Make the workspace's members exactly these, {user's key: role}. Nothing is written when nothing differs.

    Invalid for an unknown person or role; Conflict when a person does this who is no admin of it, or would
    leave it without one.
    """
    workspace = live_row(Workspace, workspace_id, lock=True)
    replace_members(scope=workspace, members=Membership, roles=roles, actor=actor, at=at)
