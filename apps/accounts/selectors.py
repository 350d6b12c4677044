"""Which workspaces a person sees."""

from __future__ import annotations

from django.db.models import QuerySet

from apps.accounts.models import Membership, User, Workspace


def for_user(user: User, *, roles: frozenset[str] | None = None) -> QuerySet[Workspace]:
    """Return the live workspaces of a person: superusers all, others those of their memberships.

    With `roles` only those where the person has one of them.
    """
    workspaces: QuerySet[Workspace] = Workspace.objects.live()
    if not user.is_active:
        return workspaces.none()
    if user.is_superuser:
        return workspaces
    memberships = Membership.objects.filter(user=user)
    if roles is not None:
        memberships = memberships.filter(role__in=roles)
    return workspaces.filter(pk__in=memberships.values("workspace_id"))
