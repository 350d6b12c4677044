"""Saving what a page's form says of its parts, by services only."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime
from operator import itemgetter
from typing import Any

from apps.core.actors import Actor
from apps.core.adminkit import at_path, kept_forms, removed_rows
from apps.pages import services
from apps.pages.models import ComponentGroup, Page
from apps.pages.services import Placed

_LAST = 10**6


def write_board(page: Page, groups: Any, components: Any, *, actor: Actor, at: datetime) -> None:
    """Save groups and components, where they stand too. The order is one statement, however many moved."""
    for component in removed_rows(components):
        services.archive_component(component_id=component.pk, actor=actor, at=at)
    is_moved = False
    removed = {group.pk for group in removed_rows(groups)}
    live = ComponentGroup.objects.live().filter(page=page).exclude(pk__in=removed)
    # Also those that somebody else has made since the form was opened.
    made = {str(group.pk): group for group in live}
    places = {group.pk: group.position for group in made.values()}
    for index, form, fields in _parts(groups):
        with at_path(f"groups[{index}]"):
            group = form.instance
            if group.pk is None:
                group = services.create_group(page_id=page.pk, **fields, actor=actor, at=at)
            elif fields:
                group = services.update_group(group_id=group.pk, **fields, actor=actor, at=at)
        made[form.prefix] = made[str(group.pk)] = group
        places[group.pk] = _place(form)
        is_moved = is_moved or "position" in form.changed_data
    levels: dict[int | None, list[tuple[int, str]]] = defaultdict(list)
    for index, form, fields in _parts(components):
        component = form.instance
        key = form.cleaned_data["group"]
        into = made.get(key)
        group_id = into.pk if into else None
        with at_path(f"components[{index}]"):
            if component.pk is None:
                component = services.create_component(
                    page_id=page.pk, group_id=group_id, **fields, actor=actor, at=at
                )
            elif fields:
                services.update_component(component_id=component.pk, **fields, actor=actor, at=at)
        # Its group goes: it comes at the end of the page.
        place = _LAST if key and into is None else _place(form)
        levels[group_id].append((place, component.public_id))
        is_moved = is_moved or bool({"position", "group"} & set(form.changed_data))
    if is_moved:
        standing = {group.pk: group for group in made.values()}
        entries = _entries([(places[pk], group) for pk, group in standing.items()], levels)
        services.arrange_page(page_id=page.pk, entries=entries, actor=actor, at=at)
    for group in removed_rows(groups):
        services.archive_group(group_id=group.pk, actor=actor, at=at)


def write_metrics(page: Page, metrics: Any, *, actor: Actor, at: datetime) -> None:
    """Save the metrics, in the order that they have in the form."""
    for index, form, fields in _parts(metrics):
        row = form.instance
        position = form.cleaned_data["position"]
        if position is not None and "position" in form.changed_data:
            fields["position"] = position
        with at_path(f"metrics[{index}]"):
            if row.pk is None:
                services.create_metric(page_id=page.pk, **fields, actor=actor, at=at)
            elif fields:
                services.update_metric(metric_id=row.pk, **fields, actor=actor, at=at)
    for metric in removed_rows(metrics):
        services.archive_metric(metric_id=metric.pk, actor=actor, at=at)


def _parts(formset: Any) -> Iterable[tuple[int, Any, dict[str, Any]]]:
    """Yield (number, form, what to save): of a new row all fields, of one that is there those changed."""
    apart = {"id", "page", "DELETE", "position", "group"}
    for index, form in enumerate(kept_forms(formset)):
        names = set(form.cleaned_data) - apart
        if form.instance.pk is not None:
            names &= set(form.changed_data)
        yield index, form, {name: form.cleaned_data[name] for name in names}


def _entries(
    groups: Iterable[tuple[int, ComponentGroup]], levels: Mapping[int | None, list[tuple[int, str]]]
) -> list[Placed]:
    """Return the arrangement that the (place, entry) pairs of each level make."""

    def in_order(group_id: int | None) -> list[tuple[int, str]]:
        return sorted(levels.get(group_id, []), key=itemgetter(0))

    top = [(place, Placed(public_id)) for place, public_id in in_order(None)]
    top += [
        (place, Placed(group.public_id, tuple(inner for _, inner in in_order(group.pk))))
        for place, group in groups
    ]
    return [placed for _, placed in sorted(top, key=itemgetter(0))]


def _place(form: Any) -> int:
    """Return the number that the form has; who has none comes last."""
    return form.cleaned_data["position"] or _LAST
