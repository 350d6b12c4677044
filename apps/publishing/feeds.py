"""The feeds `/history.atom` and `/history.rss` (contract statuspage-public-v2, section 4). Pure.

Both tell of the same incidents and maintenances: those whose newest update is the latest, up to 25.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from django.utils.feedgenerator import Atom1Feed, Rss201rev2Feed, rfc2822_date
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

from apps.core.markdown import render
from apps.incidents.models import IncidentStatus, MaintenanceStatus
from apps.publishing.documents import event_url, public_status
from apps.publishing.readmodel import (
    POSTMORTEM,
    EventFacts,
    MaintenanceFacts,
    PageModel,
    UpdateFacts,
)
from apps.publishing.times import day_of_month_text, wire_seconds, zone_abbreviation

NEWEST = 25
_LABELS = {
    **{status.value: str(status.label) for status in IncidentStatus},
    **{status.value: str(status.label) for status in MaintenanceStatus},
    POSTMORTEM: "Postmortem",
}
# What XML 1.0 cannot hold, not even escaped.
_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_BETWEEN_PARAGRAPHS = re.compile(r"</p>\s*<p>")


def feeds(model: PageModel) -> dict[str, bytes]:
    """Return each feed's path below the page with its bytes; the same model gives the same bytes."""
    page = model.page
    address = urlsplit(page.url)
    events = sorted(
        model.events, key=lambda one: (one.updates[0].display_at, one.number), reverse=True
    )
    found = {}
    for kind in (_Atom, _RSS):
        feed = kind(
            title=_text(f"{page.name} Status - Incident History"),
            link=page.url,
            description="Statuspage",
            language="en-US",
            author_name=_text(page.name),
            feed_url=f"{page.url}/{kind.path}",
            feed_guid=f"tag:{address.hostname},2005:{address.path}/history",
            updated_at=page.updated_at,
            zone=model.zone,
        )
        for event in events[:NEWEST]:
            latest = event.updates[0].display_at
            feed.add_item(
                title=_text(event.name),
                link=event_url(page.url, event.id),
                description=_text(entry_html(event, model.zone)),
                unique_id=f"tag:{address.hostname},2005:Incident/{event.number}",
                pubdate=latest,
                updateddate=event.updated_at,
                starts_at=event.scheduled_for
                if isinstance(event, MaintenanceFacts) and event.is_upcoming
                else None,
                ends_at=event.scheduled_until if isinstance(event, MaintenanceFacts) else None,
            )
        found[kind.path] = feed.writeString("utf-8").encode()
    return found


def entry_html(event: EventFacts, zone: ZoneInfo) -> SafeString:
    """Return an entry's content: a paragraph for each update, newest first."""
    parts: list[SafeString] = []
    if isinstance(event, MaintenanceFacts):
        parts.append(
            format_html(
                "<p><strong>THIS IS A SCHEDULED EVENT {}</strong></p>", _window(event, zone)
            )
        )
        statuses = [update.status for update in event.updates]
    else:
        statuses = [public_status(update.status) for update in event.updates]
    for place, update in enumerate(event.updates):
        repeats = place + 1 < len(statuses) and statuses[place + 1] == statuses[place]
        parts.append(_paragraph(update, "Update" if repeats else _LABELS[statuses[place]], zone))
    return mark_safe("".join(parts))  # noqa: S308 - made by format_html


def _paragraph(update: UpdateFacts, label: str, zone: ZoneInfo) -> SafeString:
    """Return one update; what it says beyond one paragraph of text follows in blocks of its own."""
    local = update.display_at.astimezone(zone)
    head = format_html(
        "<p><small>{} <var data-var='date'>{}</var>, <var data-var='time'>{}</var> {}</small><br>"
        "<strong>{}</strong> - ",
        f"{local:%b}",
        day_of_month_text(local),
        f"{local:%H:%M}",
        zone_abbreviation(local),
        label,
    )
    body = _BETWEEN_PARAGRAPHS.sub("<br><br>", render(update.body).strip())
    body = body.removeprefix("<p>") if body.startswith("<p>") else f"</p>{body}" if body else "</p>"
    return mark_safe(head + body)  # noqa: S308 - made by format_html and render


def _window(maintenance: MaintenanceFacts, zone: ZoneInfo) -> str:
    """Return Mon D, HH:MM - HH:MM ZONE, with the end's day where it is another."""
    start = maintenance.scheduled_for.astimezone(zone)
    end = maintenance.scheduled_until.astimezone(zone)
    until = f"{end:%H:%M}"
    if end.date() != start.date():
        until = f"{end:%b} {day_of_month_text(end)}, {until}"
    return (
        f"{start:%b} {day_of_month_text(start)}, {start:%H:%M} - {until} {zone_abbreviation(end)}"
    )


def _text(value: str) -> str:
    return _NOT_XML.sub("", value)


class _Atom(Atom1Feed):
    """Django's Atom feed with the contract's elements in the contract's order."""

    path = "history.atom"

    def time(self, at: datetime) -> str:
        return wire_seconds(at, self.feed["zone"])

    def add_root_elements(self, handler: Any) -> None:
        feed = self.feed
        handler.addQuickElement("id", feed["id"])
        for relation, kind, address in (
            ("alternate", "text/html", feed["link"]),
            ("self", "application/atom+xml", feed["feed_url"]),
        ):
            handler.addQuickElement("link", "", {"rel": relation, "type": kind, "href": address})
        handler.addQuickElement("title", feed["title"])
        handler.addQuickElement("updated", self.time(feed["updated_at"]))
        handler.startElement("author", {})
        handler.addQuickElement("name", feed["author_name"])
        handler.endElement("author")

    def add_item_elements(self, handler: Any, item: dict[str, Any]) -> None:
        handler.addQuickElement("id", item["unique_id"])
        handler.addQuickElement("published", self.time(item["pubdate"]))
        handler.addQuickElement("updated", self.time(item["updateddate"]))
        handler.addQuickElement(
            "link", "", {"rel": "alternate", "type": "text/html", "href": item["link"]}
        )
        handler.addQuickElement("title", item["title"])
        handler.addQuickElement("content", item["description"], {"type": "html"})


class _RSS(Rss201rev2Feed):
    """Django's RSS feed with the contract's elements in the contract's order."""

    path = "history.rss"

    def time(self, at: datetime) -> str:
        return rfc2822_date(at.astimezone(self.feed["zone"]))

    def rss_attributes(self) -> dict[str, str]:
        return {"version": "2.0", "xmlns:dc": "http://purl.org/dc/elements/1.1/"}

    def add_root_elements(self, handler: Any) -> None:
        for name in ("title", "link", "description"):
            handler.addQuickElement(name, self.feed[name])
        # Not the time of writing: the file changes when the page does, and only then.
        handler.addQuickElement("pubDate", self.time(self.feed["updated_at"]))

    def add_item_elements(self, handler: Any, item: dict[str, Any]) -> None:
        handler.addQuickElement("title", item["title"])
        handler.addQuickElement("description", item["description"])
        handler.addQuickElement("pubDate", self.time(item["starts_at"] or item["pubdate"]))
        if item["ends_at"] is not None:
            handler.addQuickElement("maintenanceEndDate", self.time(item["ends_at"]))
        handler.addQuickElement("link", item["link"])
        handler.addQuickElement("guid", item["link"])
