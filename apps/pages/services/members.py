"""Changes of who belongs to a page."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from django.db import transaction

from apps.accounts.members import replace_members
from apps.core.actors import Actor
from apps.core.editing import live_row
from apps.pages.models import Page, PageMembership


@transaction.atomic
def set_page_members(*, page_id: int, roles: Mapping[int, str], actor: Actor, at: datetime) -> None:
    """Make the page's members exactly these, {user's key: role}. Nothing is written when nothing differs.

    Invalid for an unknown person or role; Conflict when a person does this who is no admin of it, or would
    leave it without one. Readers are not told: nothing of it is published.
    """
    page = live_row(Page, page_id, lock=True)
    replace_members(scope=page, members=PageMembership, roles=roles, actor=actor, at=at)
