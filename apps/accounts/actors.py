"""People as actors."""

from __future__ import annotations

from apps.accounts.models import User
from apps.core.actors import Actor


def person_actor(user: User) -> Actor:
    """Return the actor for a person who is logged in."""
    return Actor("person", user.public_id, user.get_full_name() or user.get_username())
