"""Putting all of a page in order at once: what stands where, and which component is in which group."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import IntegrityError, transaction

from apps.core.actors import Actor
from apps.core.audit import record
from apps.core.editing import live_row
from apps.core.errors import Conflict, Invalid
from apps.pages.models import Component, ComponentGroup, Page
from apps.pages.services.announcing import announce


@dataclass(frozen=True, slots=True)
class Placed:
    """An entry of a page's top level by its public id; of a group also its components, in their order."""

    public_id: str
    inside: tuple[str, ...] = ()


@transaction.atomic
def arrange_page(*, page_id: int, entries: Sequence[Placed], actor: Actor, at: datetime) -> None:
    """Put groups and components of a page in this order, components into the groups that name them.

    What is not named stays in its level, after what is named there. The statements do not grow with the
    components. Nothing is written when nothing moves. Invalid when an entry is not of the page or named twice,
    Conflict when two components of one name would be in one level.
    """
    components = list(
        Component.objects.live()
        .filter(page=page_id)
        .order_by("pk")
        .select_for_update(of=("self",), no_key=True)
        .select_related("page", "group")
    )
    page = live_row(Page, page_id, lock=True)
    groups = list(ComponentGroup.objects.live().filter(page=page))
    levels = _wanted(entries, components, groups)
    _refuse_clashes(levels)
    present = _present(components, groups)
    before = _in_words(present)
    changed: set[Component | ComponentGroup] = set()
    regrouped: list[Component] = []
    for group, rows in levels.items():
        if rows == present.get(group, []):
            # Numbers with holes between them are as good as any.
            continue
        for position, row in enumerate(rows, start=1):
            if row.position != position:
                row.position = position
                changed.add(row)
            if isinstance(row, Component) and row.group != group:
                row.group = group
                changed.add(row)
                regrouped.append(row)
    if not changed:
        return
    _write(changed, at)
    if not actor.is_automation:
        changes = {"order": [before, _in_words(levels)]}
        record(actor=actor, at=at, action="page.reordered", row=page, changes=changes)
    announce(at=at, page_ids=[page.pk], components=regrouped)


Levels = dict[ComponentGroup | None, list[Component | ComponentGroup]]
"""{group, None for the page itself: its entries in order}."""


def _wanted(
    entries: Sequence[Placed],
    components: Sequence[Component],
    groups: Sequence[ComponentGroup],
) -> Levels:
    rows: dict[str, Component | ComponentGroup] = {row.public_id: row for row in components}
    rows |= {row.public_id: row for row in groups}
    levels: Levels = {None: []}
    for entry in entries:
        row = _take(rows, entry.public_id)
        levels[None].append(row)
        if isinstance(row, ComponentGroup):
            levels[row] = [_component(_take(rows, inner)) for inner in entry.inside]
        elif entry.inside:
            raise Invalid("invalid", f"{row} is no group", field="order")
    for group, rest in _present(components, groups).items():
        left = [row for row in rest if row.public_id in rows]
        levels.setdefault(group, []).extend(left)
    return levels


def _take(
    rows: dict[str, Component | ComponentGroup], public_id: str
) -> Component | ComponentGroup:
    row = rows.pop(public_id, None)
    if row is None:
        raise Invalid("invalid", f"{public_id} is not on this page, or named twice", field="order")
    return row


def _component(row: Component | ComponentGroup) -> Component:
    if isinstance(row, ComponentGroup):
        raise Invalid("invalid", f"{row} is a group: groups do not nest", field="order")
    return row


def _present(components: Iterable[Component], groups: Iterable[ComponentGroup]) -> Levels:
    """Return the levels as they stand."""
    found: defaultdict[ComponentGroup | None, list[Component | ComponentGroup]] = defaultdict(list)
    found[None] = list(groups)
    for component in components:
        found[component.group].append(component)
    return {
        group: sorted(rows, key=lambda row: (row.position, row.name, row.pk))
        for group, rows in found.items()
    }


def _refuse_clashes(levels: Levels) -> None:
    for group, rows in levels.items():
        seen: set[str] = set()
        for row in rows:
            if isinstance(row, ComponentGroup):
                continue
            if row.name in seen:
                where = f"in {group}" if group else "outside of groups"
                raise Conflict("taken", f"There would be two components named {row} {where}.")
            seen.add(row.name)


def _write(changed: set[Component | ComponentGroup], at: datetime) -> None:
    for row in changed:
        row.updated_at = at
    components = [row for row in changed if isinstance(row, Component)]
    groups = [row for row in changed if isinstance(row, ComponentGroup)]
    try:
        with transaction.atomic():
            Component.objects.bulk_update(components, ["group", "position", "updated_at"])
    except IntegrityError as error:
        # The rows change one after another: two of one name cannot change places at once.
        raise Conflict(
            "taken", "Two components of one name change places: move one, save, then the other."
        ) from error
    ComponentGroup.objects.bulk_update(groups, ["position", "updated_at"])


def _in_words(levels: Levels) -> str:
    """Return an order as staff read it: Website; API (Checkout, Search)."""
    words = []
    for row in levels[None]:
        inside = levels.get(row, []) if isinstance(row, ComponentGroup) else []
        names = ", ".join(str(one) for one in inside)
        words.append(f"{row} ({names})" if names else str(row))
    return "; ".join(words)
