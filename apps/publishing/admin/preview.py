"""A page as it will be: the public templates over unsaved rows. Reads the database, keeps and publishes nothing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import TypeVar

from apps.pages.admin.outlets import Draft
from apps.publishing import html
from apps.publishing.assets import load_assets
from apps.publishing.incident_selectors import facts_of, shown_incidents, told_from
from apps.publishing.maintenance_selectors import maintenance_facts_of, shown_maintenances
from apps.publishing.readmodel import ChangeFacts, IncidentFacts, MaintenanceFacts, PageModel
from apps.publishing.selectors import (
    metrics_of,
    page_facts,
    told_since,
    top_level_of,
    uptimes_of,
)
from apps.publishing.snapshot import read_snapshot
from apps.publishing.times import zone_of

Event = TypeVar("Event", IncidentFacts, MaintenanceFacts)


def preview(draft: Draft, at: datetime) -> str:
    """Return the page's HTML at `at` as the draft has it. Its styles are in it; it has no scripts."""
    assets = load_assets()
    css = assets.files[assets.css].decode()
    with read_snapshot():
        model = model_of(draft, at=at)
    return html.overview(model, assets, preview_css=css).decode()


def model_of(draft: Draft, *, at: datetime) -> PageModel:
    """Return the read model of a draft: what happened is as recorded, components have the draft's names."""
    page = draft.page
    zone = zone_of(page.time_zone)
    since = told_since(at, zone)
    components = [one for one in draft.components if not one.hidden]
    names = {one.public_id: one.name for one in components}
    shown = shown_incidents(page.pk, since=since) if page.pk else []
    plans = shown_maintenances(page.pk, since=since) if page.pk else []
    return PageModel(
        seq=0,
        at=at,
        page=page_facts(page),
        top_level=top_level_of(draft.groups, components, uptimes_of(components, at=at, zone=zone)),
        incidents=_named(facts_of(page.pk, shown).values(), names),
        metrics=metrics_of([one for one in draft.metrics if not one.hidden], at=at),
        maintenances=_named(maintenance_facts_of(page.pk, plans).values(), names),
        told_from=told_from(shown, since=since),
    )


def _named(events: Iterable[Event], names: Mapping[str, str]) -> tuple[Event, ...]:
    """Return the events with the components that are left, under the names that they will have."""
    return tuple(
        replace(
            event,
            affected=tuple((key, names[key]) for key, _ in event.affected if key in names),
            updates=tuple(
                replace(update, changes=_changes(update.changes, names)) for update in event.updates
            ),
        )
        for event in events
    )


def _changes(changes: Iterable[ChangeFacts], names: Mapping[str, str]) -> tuple[ChangeFacts, ...]:
    return tuple(
        replace(one, name=names[one.component_id]) for one in changes if one.component_id in names
    )
