"""The ladder of roles, in workspaces and on pages. Who has a role may also do what those below it may."""

from __future__ import annotations

from django.db import models


class Role(models.TextChoices):
    """What a person may do in a workspace or on a page."""

    VIEWER = "viewer", "Viewer: sees everything"
    EDITOR = "editor", "Editor: also prepares and configures"
    PUBLISHER = "publisher", "Publisher: also decides what readers are told"
    ADMIN = "admin", "Admin: also manages members and settings"


LADDER = (Role.VIEWER, Role.EDITOR, Role.PUBLISHER, Role.ADMIN)

# Who may do what a rung allows: that rung and those above it.
VIEWERS: frozenset[str] = frozenset(role.value for role in LADDER)
EDITORS: frozenset[str] = frozenset(role.value for role in LADDER[1:])
PUBLISHERS: frozenset[str] = frozenset(role.value for role in LADDER[2:])
ADMINS: frozenset[str] = frozenset(role.value for role in LADDER[3:])
NOBODY: frozenset[str] = frozenset()  # Superusers only.


def rank(role: str) -> int:
    """Return how high the role is, from 0; -1 for none."""
    return LADDER.index(Role(role)) if role in Role else -1
