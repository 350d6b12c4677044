"""A page's HTML files, rendered from the read model. Pure but for reading templates.

Links are relative to where the page lives (`root`), so that the same file serves by path and by host.
"""

from __future__ import annotations

import calendar
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Any

from django.template.loader import render_to_string

from apps.publishing import presentation
from apps.publishing.assets import Assets
from apps.publishing.readmodel import IncidentFacts, MonthFacts, PageFacts, PageModel
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


def overview(model: PageModel, assets: Assets) -> bytes:
    """Return the page itself."""
    return _rendered(
        "overview",
        model.page,
        assets,
        root="",
        favicon=assets.favicon(model.status.indicator),
        banner=presentation.banner(model),
        open_incidents=[
            presentation.incident_view(incident, model.zone) for incident in model.open_incidents
        ],
        entries=presentation.top_level(model),
        metrics=presentation.metrics(model),
        days=presentation.past_days(model),
    )


def history_index(model: PageModel, assets: Assets) -> bytes:
    """Return the present month's incidents and the way to the earlier ones."""
    now = model.at.astimezone(model.zone)
    years = tuple(
        YearView(year, tuple(_month_view(month) for month in months))
        for year, months in groupby(
            (month for month in model.months if (month.year, month.month) != (now.year, now.month)),
            key=lambda month: month.year,
        )
    )
    return _rendered(
        "history",
        model.page,
        assets,
        root="",
        path="history",
        is_index=True,
        title="Incident history",
        month_title=_month_title(now.year, now.month),
        days=presentation.days_of_month(_began_in(model, now), model.zone),
        years=years,
    )


def current_month(model: PageModel, assets: Assets) -> tuple[str, bytes]:
    """Return the present month's key (2026-11) and its page."""
    now = model.at.astimezone(model.zone)
    key = f"{now.year:04d}-{now.month:02d}"
    return key, month_page(model.page, key, _began_in(model, now), assets)


def month_page(
    page: PageFacts, key: str, incidents: Iterable[IncidentFacts], assets: Assets
) -> bytes:
    """Return the page of one month (key 2026-11) with the incidents that began in it."""
    year, month = (int(part) for part in key.split("-"))
    title = _month_title(year, month)
    return _rendered(
        "history",
        page,
        assets,
        root=_BELOW,
        path=f"history/{key}",
        is_index=False,
        title=title,
        month_title=title,
        days=presentation.days_of_month(incidents, zone_of(page.time_zone)),
    )


def incident_page(page: PageFacts, incident: IncidentFacts, assets: Assets) -> bytes:
    """Return an incident's own page."""
    view = presentation.incident_view(incident, zone_of(page.time_zone))
    return _rendered("incident", page, assets, root=_BELOW, incident=view)


def missing(page: PageFacts, assets: Assets, *, root: str) -> bytes:
    """Return what an unknown address of the page shows; `root` is absolute, since it is shown at any depth."""
    return _rendered("missing", page, assets, root=root)


def unknown_address(assets: Assets) -> bytes:
    """Return what an address of no page at all shows."""
    return render_to_string(
        "public/unknown.html", {"assets": assets, "favicon": assets.favicon("none")}
    ).encode()


def _began_in(model: PageModel, now: datetime) -> list[IncidentFacts]:
    found = []
    for incident in model.incidents:
        began = incident.started_at.astimezone(model.zone)
        if (began.year, began.month) == (now.year, now.month):
            found.append(incident)
    return found


def _month_title(year: int, month: int) -> str:
    return f"{calendar.month_name[month]} {year}"


def _month_view(month: MonthFacts) -> MonthView:
    noun = "incident" if month.incidents == 1 else "incidents"
    return MonthView(month.key, calendar.month_name[month.month], f"{month.incidents} {noun}")


def _rendered(template: str, page: PageFacts, assets: Assets, **values: Any) -> bytes:
    context = {"page": page, "assets": assets, "favicon": assets.favicon("none")} | values
    return render_to_string(f"public/{template}.html", context).encode()
