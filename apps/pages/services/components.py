"""Changes of components. Their status has its own services (statuses.py)."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, TypedDict, Unpack, cast

from django.db import transaction

from apps.core.actors import Actor
from apps.core.editing import archive_row, create_row, edit_row, live_row
from apps.core.errors import Invalid
from apps.pages.models import Component, ComponentGroup, Page, StatusPeriod
from apps.pages.services.announcing import announce
from apps.pages.services.levels import last_position
from apps.pages.status import ComponentStatus


class ComponentFields(TypedDict, total=False):
    page_id: int | None
    group_id: int | None
    name: str
    description: str
    position: int
    showcase: bool
    hidden: bool
    only_show_if_degraded: bool
    start_date: date | None


@transaction.atomic
def create_component(
    *,
    page_id: int | None,
    name: str,
    group_id: int | None = None,
    description: str = "",
    position: int | None = None,
    showcase: bool = True,
    hidden: bool = False,
    only_show_if_degraded: bool = False,
    start_date: date | None = None,
    actor: Actor,
    at: datetime,
) -> Component:
    """Create an operational component with its first period; without a page it is unplaced.

    It comes at the end of its level unless a position is given.
    """
    _refuse_unfit_place(page_id, group_id)
    component = Component(
        page_id=page_id,
        group_id=group_id,
        name=name,
        description=description,
        position=position or last_position(page_id=page_id, group_id=group_id),
        showcase=showcase,
        hidden=hidden,
        only_show_if_degraded=only_show_if_degraded,
        start_date=start_date,
        status=ComponentStatus.OPERATIONAL,
        status_since=at,
        created_at=at,
        updated_at=at,
    )
    create_row(component, action="component.created", actor=actor, at=at)
    StatusPeriod.objects.create(component=component, status=component.status, started_at=at)
    announce(at=at, page_ids=[page_id], components=[component])
    return component


@transaction.atomic
def update_component(
    *, component_id: int, actor: Actor, at: datetime, **fields: Unpack[ComponentFields]
) -> Component:
    """Change the given fields; `page_id` and `group_id` move it, keeping its history.

    Moved to another page without a group it leaves its old group; at a new level it comes last unless a
    position is given.
    """
    component = live_row(Component, component_id, lock=True)
    old_page_id, old_level = component.page_id, (component.page_id, component.group_id)
    values = cast(dict[str, Any], dict(fields))
    if values.get("page_id", old_page_id) != old_page_id:
        values.setdefault("group_id", None)
    level = (
        values.get("page_id", component.page_id),
        values.get("group_id", component.group_id),
    )
    if level != old_level:
        _refuse_unfit_place(*level)
        values.setdefault("position", last_position(page_id=level[0], group_id=level[1]))
    if edit_row(component, values, action="component.updated", actor=actor, at=at):
        announce(at=at, page_ids=[old_page_id, component.page_id], components=[component])
    return component


@transaction.atomic
def archive_component(*, component_id: int, actor: Actor, at: datetime) -> Component:
    """Archive a component: it leaves its page, and its name becomes free.

    Its contributions and periods stay as history; its status is derived no more.
    """
    component = live_row(Component, component_id, lock=True)
    archive_row(component, action="component.archived", actor=actor, at=at)
    announce(at=at, page_ids=[component.page_id], components=[component])
    return component


def _refuse_unfit_place(page_id: int | None, group_id: int | None) -> None:
    if page_id is not None and not Page.objects.live().filter(pk=page_id).exists():
        raise Invalid("invalid", "there is no such page", field="page")
    if group_id is None:
        return
    if not ComponentGroup.objects.live().filter(pk=group_id, page=page_id).exists():
        raise Invalid("invalid", "the group is not on the component's page", field="group")
