"""Changes of component groups."""

from __future__ import annotations

from datetime import datetime
from typing import TypedDict, Unpack

from django.db import transaction

from apps.core.actors import Actor
from apps.core.editing import archive_row, create_row, edit_row, live_row
from apps.core.errors import Conflict
from apps.pages.models import Component, ComponentGroup, Page
from apps.pages.services.announcing import announce
from apps.pages.services.levels import last_position


class GroupFields(TypedDict, total=False):
    name: str
    description: str
    position: int


@transaction.atomic
def create_group(
    *,
    page_id: int,
    name: str,
    description: str = "",
    position: int | None = None,
    actor: Actor,
    at: datetime,
) -> ComponentGroup:
    """Create a group on a page, at the end of its top level unless a position is given."""
    page = live_row(Page, page_id)
    group = ComponentGroup(
        page=page,
        name=name,
        description=description,
        position=position or last_position(page_id=page.pk, group_id=None),
        created_at=at,
        updated_at=at,
    )
    create_row(group, action="componentgroup.created", actor=actor, at=at)
    announce(at=at, page_ids=[page.pk])
    return group


@transaction.atomic
def update_group(
    *, group_id: int, actor: Actor, at: datetime, **fields: Unpack[GroupFields]
) -> ComponentGroup:
    """Change the given fields. A group stays on its page."""
    group = live_row(ComponentGroup, group_id, lock=True)
    if edit_row(group, fields, action="componentgroup.updated", actor=actor, at=at):
        announce(at=at, page_ids=[group.page_id], components=_components_of(group))
    return group


@transaction.atomic
def archive_group(*, group_id: int, actor: Actor, at: datetime) -> ComponentGroup:
    """Archive a group. Its components stay on the page, at the end of the top level.

    Conflict when the top level has a component of the same name: rename or archive one first.
    """
    components = list(
        Component.objects.live()
        .filter(group=group_id)
        .order_by("pk")
        .select_for_update(no_key=True)
    )
    group = live_row(ComponentGroup, group_id, lock=True)
    clash = (
        Component.objects.live()
        .filter(page=group.page_id, group=None, name__in=[one.name for one in components])
        .first()
    )
    if clash is not None:
        raise Conflict(
            "taken", f"the page has a component named {clash.name} outside of the group already"
        )
    first = last_position(page_id=group.page_id, group_id=None)
    inside = sorted(components, key=lambda one: (one.position, one.name, one.pk))
    for position, component in enumerate(inside, start=first):
        component.group, component.position, component.updated_at = None, position, at
    Component.objects.bulk_update(components, ["group", "position", "updated_at"])
    archive_row(group, action="componentgroup.archived", actor=actor, at=at)
    announce(at=at, page_ids=[group.page_id], components=components)
    return group


def _components_of(group: ComponentGroup) -> list[Component]:
    return list(Component.objects.live().filter(group=group).select_related("page", "group"))
