"""Positions: the top level of a page holds groups and ungrouped components together, a group its components."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction
from django.db.models import Max

from apps.core.actors import Actor
from apps.core.audit import record
from apps.core.editing import live_row
from apps.core.errors import Invalid
from apps.pages.models import Component, ComponentGroup, Page
from apps.pages.services.announcing import touch_pages


def last_position(*, page_id: int | None, group_id: int | None) -> int:
    """Return the position after the last one of the level."""
    components = Component.objects.live().filter(page=page_id, group=group_id)
    last = components.aggregate(last=Max("position"))["last"] or 0
    if group_id is None and page_id is not None:
        groups = ComponentGroup.objects.live().filter(page=page_id)
        last = max(last, groups.aggregate(last=Max("position"))["last"] or 0)
    return last + 1


@transaction.atomic
def reorder(
    *,
    page_id: int,
    public_ids: Sequence[str],
    group_id: int | None = None,
    actor: Actor,
    at: datetime,
) -> None:
    """Put the level's entries in this order: groups and ungrouped components, or a group's components.

    Entries are named by public ids, since the top level mixes two kinds. Those not named follow in the order
    that they had. Invalid when one is not of the level, or named twice.
    """
    components = list(
        Component.objects.live()
        .filter(page=page_id, group=group_id)
        .order_by("pk")
        .select_for_update(no_key=True)
    )
    page = live_row(Page, page_id, lock=True)
    groups = [] if group_id else list(ComponentGroup.objects.live().filter(page=page))
    entries: dict[str, Component | ComponentGroup] = {
        row.public_id: row
        for row in sorted([*components, *groups], key=lambda row: (row.position, row.name, row.pk))
    }
    unknown = [public_id for public_id in public_ids if public_id not in entries]
    if unknown or len(set(public_ids)) != len(public_ids):
        named = unknown[0] if unknown else "an entry"
        raise Invalid("invalid", f"{named} is not of this level, or named twice", field="order")
    order = [*public_ids, *(public_id for public_id in entries if public_id not in public_ids)]
    before = list(entries)
    moved = []
    for position, public_id in enumerate(order, start=1):
        row = entries[public_id]
        if row.position != position:
            row.position, row.updated_at = position, at
            moved.append(row)
    if not moved:
        return
    Component.objects.bulk_update(
        [row for row in moved if isinstance(row, Component)], ["position", "updated_at"]
    )
    ComponentGroup.objects.bulk_update(
        [row for row in moved if isinstance(row, ComponentGroup)], ["position", "updated_at"]
    )
    if not actor.is_automation:
        owner = live_row(ComponentGroup, group_id) if group_id else page
        changes = {"order": [before, order]}
        record(actor=actor, at=at, action="page.reordered", row=owner, changes=changes)
    touch_pages(page_ids=[page.pk], at=at)
