"""`/history.json`: three months a page, the present quarter first (contract statuspage-public-v2, section 8). Pure.

Closed quarters are files of the archive. They tell nothing of the page's present state, which `page_status` is.
"""

from __future__ import annotations

import calendar
from collections.abc import Iterable, Mapping
from typing import Any
from zoneinfo import ZoneInfo

from apps.incidents import impact
from apps.publishing.documents import Writer, encoded
from apps.publishing.months import (
    month_bounds,
    month_of,
    month_start,
    months_of_quarter,
    quarter_of,
)
from apps.publishing.readmodel import EventFacts, IncidentFacts, PageModel
from apps.publishing.times import day_of_month_text, wire_time, zone_abbreviation

_MONTH = ("name", "year", "starts_on", "days", "incidents")
_ENTRY = ("code", "name", "message", "impact", "timestamp")


def present_quarter(model: PageModel) -> str:
    """Return the key of the quarter in which the model was read, such as 2026-q4."""
    return quarter_of(month_of(model.at, model.zone))


def history_document(model: PageModel, quarter: str, months: Mapping[str, dict[str, Any]]) -> bytes:
    """Return one quarter's document from its months' parts. Months that have not begun are left out."""
    is_present = quarter == present_quarter(model)
    keys = [key for key in months_of_quarter(quarter) if key <= month_of(model.at, model.zone)]
    return encoded(
        {
            "page_status": Writer(model).status() if is_present else None,
            "components": [
                {"id": component.id, "name": component.name} for component in model.components
            ],
            "months": [
                _in_order(months[key]) if key in months else month_part(key, [], model.zone)
                for key in keys
            ],
            "start_time": wire_time(month_bounds(keys[-1], model.zone)[0], model.zone),
            "end_time": wire_time(month_bounds(keys[0], model.zone)[1], model.zone),
        }
    )


def _in_order(part: dict[str, Any]) -> dict[str, Any]:
    """Return a month's part as it was made: a database may give its keys in another order."""
    entries = [{key: entry[key] for key in _ENTRY} for entry in part["incidents"]]
    return {key: part[key] for key in _MONTH[:-1]} | {"incidents": entries}


def month_part(key: str, events: Iterable[EventFacts], zone: ZoneInfo) -> dict[str, Any]:
    """Return a month with what began in it; `starts_on` is the weekday of its first day, Sunday being 0."""
    first = month_start(key)
    told = [(event.told_at, event.number, event) for event in events if event.told_at is not None]
    return {
        "name": calendar.month_name[first.month],
        "year": first.year,
        "starts_on": first.isoweekday() % 7,
        "days": calendar.monthrange(first.year, first.month)[1],
        "incidents": [
            {
                "code": event.id,
                "name": event.name,
                "message": event.updates[0].body,
                "impact": event.impact if isinstance(event, IncidentFacts) else impact.MAINTENANCE,
                "timestamp": _timestamp(event, zone),
            }
            for _, _, event in sorted(told, key=lambda one: one[:2], reverse=True)
        ],
    }


def _timestamp(event: EventFacts, zone: ZoneInfo) -> str:
    """Return when it was, with the parts that readers replace in `<var>`s."""
    assert event.told_at is not None
    began = event.told_at.astimezone(zone)
    text = f"{began:%b} <var data-var='date'>{day_of_month_text(began)}</var>, <var data-var='time'>{began:%H:%M}</var>"
    last = began
    if event.ended_at is not None and event.ended_at > event.told_at:
        last = event.ended_at.astimezone(zone)
        day = ""
        if last.date() != began.date():
            day = f"{last:%b} <var data-var='date'>{day_of_month_text(last)}</var>, "
        text += f" - {day}<var data-var='time'>{last:%H:%M}</var>"
    return f"{text} {zone_abbreviation(last)}"
