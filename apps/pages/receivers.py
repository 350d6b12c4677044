"""What other apps tell pages."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.dispatch import receiver

from apps.accounts.models import User
from apps.accounts.signals import roles_came_from_groups
from apps.accounts.sso.roles import set_roles
from apps.core.actors import Actor
from apps.pages.models import Page, PageMembership


@receiver(roles_came_from_groups, dispatch_uid="pages.set_roles")
def set_page_roles(
    *, user: User, roles: Mapping[str, str], actor: Actor, at: datetime, **_: Any
) -> None:
    """Make the person's memberships of pages by single sign-on those of their groups."""
    set_roles(
        user=user,
        members=PageMembership,
        scopes=Page.objects.live(),
        names="slug",
        roles=roles,
        actor=actor,
        at=at,
    )
