"""Which workspaces a person sees, and what they may do there."""

from __future__ import annotations

from django.db.models import QuerySet

from apps.accounts.models import Membership, User, Workspace
from apps.accounts.roles import VIEWERS


def for_user(user: User, roles: frozenset[str] = VIEWERS) -> QuerySet[Workspace]:
    """Return the live workspaces where the person has one of the roles: superusers all.

    None for who may not log in to the admin.
    """
    workspaces: QuerySet[Workspace] = Workspace.objects.live()
    if not may_log_in(user):
        return workspaces.none()
    if user.is_superuser:
        return workspaces
    memberships = Membership.objects.filter(user=user, role__in=roles)
    return workspaces.filter(pk__in=memberships.values("workspace_id"))


def workspace_roles(user: User) -> dict[int, str]:
    """Return {workspace's key: the person's role} of the live workspaces, by membership alone."""
    if not may_log_in(user):
        return {}
    live = Membership.objects.filter(user=user, workspace__archived_at__isnull=True)
    return dict(live.values_list("workspace_id", "role"))


def may_log_in(user: User) -> bool:
    """Tell whether the person may log in to the admin."""
    return bool(user.is_active and user.is_staff)
