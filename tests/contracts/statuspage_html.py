"""The HTML hooks that scrapers use and `/history.json`, from tests/contracts/statuspage-public-v2.md, section 8."""

from __future__ import annotations

import calendar
import re
from collections.abc import Mapping
from html.parser import HTMLParser
from typing import Any

from tests.contracts.statuspage_public import ID, IMPACTS, PageCheck, demand


class _Reader(HTMLParser):
    """Collects tags with their attributes, and all text."""

    def __init__(self, content: bytes) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(content.decode())

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data

    def classes(self, wanted: str) -> list[tuple[str, list[str]]]:
        """Return (tag, its classes) of the elements with this class."""
        found = [(tag, (attrs.get("class") or "").split()) for tag, attrs in self.tags]
        return [(tag, classes) for tag, classes in found if wanted in classes]


def check_overview(content: bytes, summary: Mapping[str, Any]) -> None:
    """Raise Breach unless the overview says by its hooks what summary.json says."""
    page = _Reader(content)
    status = page.classes("page-status")
    demand([tag for tag, _ in status] == ["div"], "page-status", status)
    indicator = summary["status"]["indicator"]
    demand(f"status-{indicator}" in status[0][1], "page-status", status)
    told = {
        attrs["data-component-id"]: attrs["data-component-status"]
        for _, attrs in page.tags
        if "data-component-id" in attrs
    }
    expected = {one["id"]: one["status"] for one in summary["components"]}
    demand(told.items() <= expected.items(), "data-component-id", told)
    quiet = {
        one["id"]
        for one in summary["components"]
        if one["group"] or (one["only_show_if_degraded"] and one["status"] == "operational")
    }
    demand(
        expected.keys() - told.keys() <= quiet, "data-component-id", expected.keys() - told.keys()
    )
    impacts = [classes for _, classes in page.classes("incident-title")]
    for event in (*summary["incidents"], *summary["scheduled_maintenances"]):
        demand(any(f"impact-{event['impact']}" in one for one in impacts), "incident-title", event)
    for tag, kind in (("atom", "application/atom+xml"), ("rss", "application/rss+xml")):
        links = [attrs for name, attrs in page.tags if name == "link" and attrs.get("type") == kind]
        demand(
            [(one["rel"], one["href"]) for one in links] == [("alternate", f"history.{tag}")],
            "autodiscovery",
            links,
        )


def check_event_page(content: bytes, event: Mapping[str, Any]) -> None:
    """Raise Breach unless the page of an incident or a maintenance has its hooks; `event` is its JSON."""
    page = _Reader(content)
    names = page.classes("incident-name")
    demand(len(names) == 1, "incident-name", names)
    demand(f"impact-{event['impact']}" in names[0][1], "incident-name", names)
    if "scheduled_for" not in event and event["components"]:
        affected = ", ".join(one["name"] for one in event["components"])
        # Parsers of HTML read a carriage return as a line feed.
        sentence = f"This incident affected: {affected}.".replace("\r\n", "\n").replace("\r", "\n")
        demand(
            sentence in page.text.replace("\r\n", "\n").replace("\r", "\n"), "affected", sentence
        )


def check_history(document: Mapping[str, Any], page: Mapping[str, Any]) -> None:
    """Raise Breach unless a page of /history.json has the contract's form; `page` is the JSON documents' page object."""
    checks = PageCheck(page, "page")
    keys = ["page_status", "components", "months", "start_time", "end_time"]
    demand(list(document) == keys, "history", list(document))
    start = checks.time(document["start_time"], "history.start_time")
    end = checks.time(document["end_time"], "history.end_time")
    demand(start < end, "history", (start, end))
    demand(1 <= len(document["months"]) <= 3, "history.months", len(document["months"]))
    for month in document["months"]:
        demand(
            list(month) == ["name", "year", "starts_on", "days", "incidents"], "month", list(month)
        )
        number = list(calendar.month_name).index(month["name"])
        weekday, days = calendar.monthrange(month["year"], number)
        demand(month["days"] == days, "month.days", month["days"])
        demand(month["starts_on"] == (weekday + 1) % 7, "month.starts_on", month["starts_on"])
        for one in month["incidents"]:
            keys = ["code", "name", "message", "impact", "timestamp"]
            demand(list(one) == keys, "month.incidents", list(one))
            demand(ID.fullmatch(one["code"]) is not None, "month.incidents.code", one["code"])
            demand(one["impact"] in IMPACTS, "month.incidents.impact", one["impact"])
            opening = r"[A-Z][a-z]{2} <var data-var='date'>[ \d]\d</var>, <var data-var='time'>\d\d:\d\d</var>"
            demand(re.match(opening, one["timestamp"]) is not None, "timestamp", one["timestamp"])
