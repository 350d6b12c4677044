"""A page's HTML files, rendered from the read model. Pure but for reading templates.

Links are relative to where the page lives (`root`), so that the same file serves by path and by host.
"""

from __future__ import annotations

import calendar
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from django.template.loader import render_to_string
from django.utils.safestring import mark_safe

from apps.publishing import event_views, presentation
from apps.publishing.assets import Assets
from apps.publishing.incident_selectors import MOST_TOLD
from apps.publishing.months import month_of
from apps.publishing.readmodel import EventFacts, MonthFacts, PageFacts, PageModel
from apps.publishing.times import zone_of

_BELOW = "../"


@dataclass(frozen=True, slots=True)
class MonthView:
    key: str
    title: str
    count_text: str


@dataclass(frozen=True, slots=True)
class YearView:
    year: int
    months: tuple[MonthView, ...]


def overview(model: PageModel, assets: Assets, *, preview_css: str = "") -> bytes:
    """Return the page itself; with `preview_css` for a preview, which carries its styles and has no scripts."""
    return rendered(
        "overview",
        model.page,
        assets,
        root="",
        favicon=assets.favicon(model.status.indicator),
        banner=presentation.banner(model),
        open_incidents=[
            event_views.incident_view(incident, model.zone) for incident in model.open_incidents
        ],
        active_maintenances=[
            event_views.maintenance_view(one, model.zone) for one in model.active_maintenances
        ],
        # The next one first: readers look for what is near.
        upcoming_maintenances=[
            event_views.maintenance_view(one, model.zone)
            for one in sorted(model.upcoming_maintenances, key=lambda one: one.scheduled_for)
        ],
        entries=presentation.top_level(model),
        metrics=presentation.metrics(model),
        days=event_views.past_days(model),
        most=MOST_TOLD if model.told_from else 0,
        preview_css=mark_safe(preview_css),  # noqa: S308 - our own style sheet
    )


def history_index(model: PageModel, assets: Assets) -> bytes:
    """Return what happened in the present month and the way to the earlier ones."""
    now = model.at.astimezone(model.zone)
    key = month_of(model.at, model.zone)
    years = tuple(
        YearView(year, tuple(_month_view(month) for month in months))
        for year, months in groupby(
            (month for month in model.months if month.incidents or month.maintenances),
            key=lambda month: month.year,
        )
    )
    return rendered(
        "history",
        model.page,
        assets,
        root="",
        path="history",
        is_index=True,
        title="Incident history",
        month_title=_month_title(now.year, now.month),
        days=event_views.days_of_month(events_of_month(model, key), model.zone),
        most=_most_of(model, key),
        years=years,
    )


def current_month(model: PageModel, assets: Assets) -> tuple[str, bytes]:
    """Return the present month's key (2026-11) and its page."""
    key = month_of(model.at, model.zone)
    events = events_of_month(model, key)
    return key, month_page(model.page, key, events, assets, most=_most_of(model, key))


def month_page(
    page: PageFacts, key: str, events: Iterable[EventFacts], assets: Assets, *, most: int = 0
) -> bytes:
    """Return the page of one month (key 2026-11) with what began in it; `most` when these are the newest of more."""
    year, month = (int(part) for part in key.split("-"))
    title = _month_title(year, month)
    return rendered(
        "history",
        page,
        assets,
        root=_BELOW,
        path=f"history/{key}",
        is_index=False,
        title=title,
        month_title=title,
        days=event_views.days_of_month(events, zone_of(page.time_zone)),
        most=most,
    )


def event_page(page: PageFacts, event: EventFacts, assets: Assets) -> bytes:
    """Return an incident's or a maintenance's own page."""
    view = event_views.event_view(event, zone_of(page.time_zone))
    return rendered("incident", page, assets, root=_BELOW, incident=view)


def embed_frame(model: PageModel, assets: Assets) -> bytes:
    """Return what other sites show in a frame: the worst open incident, else a maintenance, else the status."""
    return rendered(
        "embed",
        model.page,
        assets,
        root=_BELOW,
        notice=presentation.notice(model),
        status=model.status,
        icon=event_views.IMPACT_ICONS[model.status.indicator],
    )


def missing(page: PageFacts, assets: Assets, *, root: str) -> bytes:
    """Return what an unknown address of the page shows; `root` is absolute, since it is shown at any depth."""
    return rendered("missing", page, assets, root=root)


def unknown_address(assets: Assets) -> bytes:
    """Return what an address of no page at all shows."""
    return render_to_string(
        "public/unknown.html", {"assets": assets, "favicon": assets.favicon("none")}
    ).encode()


def events_of_month(model: PageModel, key: str) -> list[EventFacts]:
    """Return those of the model's events that the history tells of in this month."""
    return [
        event
        for event in model.events
        if event.told_at is not None and month_of(event.told_at, model.zone) == key
    ]


def _most_of(model: PageModel, key: str) -> int:
    """Return how many incidents of this month the model holds when there were more, else 0."""
    is_cut = model.told_from is not None and month_of(model.told_from, model.zone) >= key
    return MOST_TOLD if is_cut else 0


def _month_title(year: int, month: int) -> str:
    return f"{calendar.month_name[month]} {year}"


def _month_view(month: MonthFacts) -> MonthView:
    counts = [(month.incidents, "incident"), (month.maintenances, "maintenance")]
    text = ", ".join(f"{count} {noun}{'s' * (count != 1)}" for count, noun in counts if count)
    return MonthView(month.key, calendar.month_name[month.month], text)


def rendered(template: str, page: PageFacts, assets: Assets, **values: Any) -> bytes:
    context = {"page": page, "assets": assets, "favicon": assets.favicon("none")} | values
    return render_to_string(f"public/{template}.html", context).encode()
