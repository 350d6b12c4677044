"""The public documents' contract as a strict check, written from tests/contracts/statuspage-public-v2.md, sections 1 to 3.

Nothing of the code is used here: keys, words and rules stand here once more, as the contract has them. Keys are
compared as lists: their order is part of the contract. A breach names its place in the document.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

PAGE = ["id", "name", "url", "time_zone", "updated_at"]
STATUS = ["indicator", "description"]
COMPONENT = [
    "id", "name", "status", "created_at", "updated_at", "position", "description", "showcase", "start_date",
    "group_id", "page_id", "group", "only_show_if_degraded",
]  # fmt: skip
EVENT = [
    "id", "name", "status", "created_at", "updated_at", "monitoring_at", "resolved_at", "impact", "shortlink",
    "started_at", "page_id", "incident_updates", "components",
]  # fmt: skip
INCIDENT = [*EVENT, "reminder_intervals"]
MAINTENANCE = [*EVENT, "scheduled_for", "scheduled_until"]
UPDATE = [
    "id", "status", "body", "incident_id", "created_at", "updated_at", "display_at", "affected_components",
    "deliver_notifications", "custom_tweet", "tweet_id",
]  # fmt: skip
DOCUMENTS = {
    "summary": ["page", "components", "incidents", "scheduled_maintenances", "status"],
    "status": ["page", "status"],
    "components": ["page", "components"],
    "incidents": ["page", "incidents"],
    "incidents/unresolved": ["page", "incidents"],
    "scheduled-maintenances": ["page", "scheduled_maintenances"],
    "scheduled-maintenances/upcoming": ["page", "scheduled_maintenances"],
    "scheduled-maintenances/active": ["page", "scheduled_maintenances"],
}
# From best to worst.
COMPONENT_STATUSES = [
    "operational", "under_maintenance", "degraded_performance", "partial_outage", "major_outage",
]  # fmt: skip
OPEN_STATUSES = {"investigating", "identified", "monitoring"}
OVER_STATUSES = {"resolved", "postmortem"}
ACTIVE_STATUSES = {"in_progress", "verifying"}
MAINTENANCE_STATUSES = {"scheduled", *ACTIVE_STATUSES, "completed"}
IMPACTS = {"none", "minor", "major", "critical", "maintenance"}
ID = re.compile(r"[0-9bcdfghjklmnpqrstvwxyz]{12}")
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}(Z|[+-]\d\d:\d\d)")


class Breach(AssertionError):
    """A document breaks the contract; the message names the place."""


def demand(holds: bool, place: str, found: Any) -> None:
    """Raise Breach unless it holds."""
    if not holds:
        raise Breach(f"{place}: {found!r}")


def decoded(files: Mapping[str, bytes]) -> dict[str, Any]:
    """Return {document's name: decoded} of the files below api/v2/, by their paths."""
    found = {}
    for path, content in files.items():
        if path.startswith("api/v2/"):
            demand(path.endswith(".json"), "path", path)
            found[path.removeprefix("api/v2/").removesuffix(".json")] = json.loads(content)
    return found


def check(documents: Mapping[str, Any]) -> None:
    """Raise Breach unless the decoded documents, by name, keep the contract, one by one and together."""
    demand(set(documents) == set(DOCUMENTS), "documents", sorted(documents))
    for name, keys in DOCUMENTS.items():
        document = documents[name]
        demand(list(document) == keys, name, list(document))
        page = PageCheck(document["page"], f"{name}.page")
        for part, value in document.items():
            checks: dict[str, Callable[[Any, str], None]] = {
                "page": lambda value, place: None,
                "status": page.status,
                "components": page.components,
                "incidents": page.incidents,
                "scheduled_maintenances": page.maintenances,
            }
            checks[part](value, f"{name}.{part}")
    _check_relations(documents)


def check_event(event: Any, page: Any) -> None:
    """Raise Breach unless a single incident's or maintenance's document keeps the contract; `page` is its page's object."""
    checks = PageCheck(page, "page")
    demand(isinstance(event, dict), "event", event)
    if "scheduled_for" in event:
        checks.maintenance(event, "maintenance")
    else:
        checks.incident(event, "incident")


def _check_relations(documents: Mapping[str, Any]) -> None:
    """Demand what holds between documents."""
    summary = documents["summary"]
    pages = [document["page"] for document in documents.values()]
    demand(all(page == pages[0] for page in pages), "page", "differs")
    demand(summary["components"] == documents["components"]["components"], "components", "differ")
    demand(summary["status"] == documents["status"]["status"], "status", "differs")
    plain = [one["status"] for one in summary["components"] if not one["group"]]
    newest = documents["incidents"]["incidents"]
    unresolved = documents["incidents/unresolved"]["incidents"]
    demand(summary["incidents"] == unresolved, "summary.incidents", "differ")
    demand(all(one["status"] in OPEN_STATUSES for one in unresolved), "unresolved", unresolved)
    demand(len(newest) <= 50, "incidents", len(newest))
    if len(newest) < 50:
        still = [one for one in newest if one["status"] in OPEN_STATUSES]
        demand(still == unresolved, "unresolved", "not those of incidents.json")
    maintenances = documents["scheduled-maintenances"]["scheduled_maintenances"]
    upcoming = documents["scheduled-maintenances/upcoming"]["scheduled_maintenances"]
    active = documents["scheduled-maintenances/active"]["scheduled_maintenances"]
    demand(len(maintenances) <= 50, "scheduled-maintenances", len(maintenances))
    demand(all(one["status"] == "scheduled" for one in upcoming), "upcoming", upcoming)
    demand(all(one["status"] in ACTIVE_STATUSES for one in active), "active", active)
    for event in (*newest, *unresolved, *maintenances, *upcoming, *active):
        for component in event["components"]:
            # In their present state, not as they were.
            demand(component in summary["components"], "event.components", component)
    for event in (*upcoming, *active):
        if event["id"] in {one["id"] for one in maintenances}:
            demand(event in maintenances, "scheduled-maintenances", event)
    both = {one["id"]: one for one in (*upcoming, *active)}
    told = {one["id"]: one for one in summary["scheduled_maintenances"]}
    demand(told == both, "summary.scheduled_maintenances", "not upcoming + active")
    if len(maintenances) < 50:
        still = [one["id"] for one in maintenances if one["status"] != "completed"]
        demand(sorted(still) == sorted(both), "scheduled-maintenances", "misses an open one")
    ids = [
        {one["id"] for one in found}
        for found in (newest + unresolved, maintenances + upcoming + active)
    ]
    demand(not ids[0] & ids[1], "incidents", "a maintenance among them")
    impacts = [one["impact"] for one in unresolved] + ["maintenance" for _ in active]
    expected = expected_status(plain, impacts)
    found = (summary["status"]["indicator"], summary["status"]["description"])
    demand(found == expected, "status", (found, expected))


def expected_status(plain: list[str], open_impacts: list[str]) -> tuple[str, str]:
    """Return the page's status as the table of section 3 has it, first match wins."""
    major, partial, degraded = "major_outage", "partial_outage", "degraded_performance"
    by_impact = {
        "none": ("none", "All Systems Operational"),
        "maintenance": ("maintenance", "Service Under Maintenance"),
        "minor": ("minor", "Minor Service Outage"),
        "major": ("major", "Partial System Outage"),
        "critical": ("critical", "Major System Outage"),
    }
    if not plain:
        worst = [word for word in by_impact if word in open_impacts]
        return by_impact[worst[-1]] if worst else by_impact["none"]
    if set(plain) == {"operational"}:
        return "none", "All Systems Operational"
    if set(plain) == {major}:
        return "critical", "Major System Outage"
    if major in plain or set(plain) == {partial}:
        return "major", "Partial System Outage"
    if partial in plain:
        return "minor", "Minor Service Outage"
    if set(plain) == {degraded} and len(plain) > 1:
        return "minor", "Degraded System Service"
    if degraded in plain:
        return "minor", "Partially Degraded Service"
    return "maintenance", "Service Under Maintenance"


class PageCheck:
    """Checks of what belongs to one page: its zone decides how times are written."""

    def __init__(self, page: Any, place: str) -> None:
        demand(list(page) == PAGE, place, list(page))
        self.public_id(page["id"], f"{place}.id")
        demand(isinstance(page["name"], str) and page["name"] != "", f"{place}.name", page["name"])
        demand("/" in page["time_zone"], f"{place}.time_zone", page["time_zone"])
        self.url(page["url"], f"{place}.url")
        demand(not page["url"].endswith("/"), f"{place}.url", page["url"])
        self.page = page
        self.zone = ZoneInfo(page["time_zone"])
        self.time(page["updated_at"], f"{place}.updated_at")

    def url(self, value: Any, place: str) -> None:
        demand(isinstance(value, str) and " " not in value, place, value)
        parts = urlsplit(value)
        demand(parts.scheme in {"http", "https"} and bool(parts.hostname), place, value)

    def time(self, value: Any, place: str) -> datetime:
        """Demand three decimals, and Z in plain UTC, else the zone's offset at that instant. Return it."""
        matched = TIME.fullmatch(value) if isinstance(value, str) else None
        demand(matched is not None, place, value)
        assert matched is not None
        at = datetime.strptime(value, "%Y-%m-%dT%H:%M:%S.%f%z")
        if self.zone.key == "Etc/UTC":
            demand(matched.group(1) == "Z", place, value)
        else:
            demand(matched.group(1) != "Z", place, value)
            demand(at.utcoffset() == at.astimezone(self.zone).utcoffset(), place, value)
        return at

    def public_id(self, value: Any, place: str) -> None:
        demand(isinstance(value, str) and ID.fullmatch(value) is not None, place, value)

    def status(self, value: Any, place: str) -> None:
        demand(list(value) == STATUS, place, list(value))

    def components(self, value: Any, place: str) -> None:
        demand(isinstance(value, list), place, value)
        for number, component in enumerate(value):
            self.component(component, f"{place}[{number}]")
        order = [(one["position"], one["name"]) for one in value]
        demand(order == sorted(order), f"{place} order", order)
        ids = [one["id"] for one in value]
        demand(len(ids) == len(set(ids)), f"{place} ids", ids)
        by_id = {one["id"]: one for one in value}
        children: set[str] = set()
        for group in value:
            if not group["group"]:
                continue
            demand(group["group_id"] is None, f"{place} group", "a group in a group")
            members = [by_id[member] for member in group["components"]]
            children |= set(group["components"])
            demand(bool(members), f"{place} group", "empty")
            demand(all(one["group_id"] == group["id"] for one in members), f"{place} group", group)
            positions = [one["position"] for one in members]
            demand(positions == list(range(1, len(members) + 1)), f"{place} group", positions)
            worst = max((one["status"] for one in members), key=COMPONENT_STATUSES.index)
            demand(group["status"] == worst, f"{place} group status", group["status"])
        grouped = {one["id"] for one in value if one["group_id"] is not None}
        demand(grouped == children, f"{place} groups", grouped ^ children)
        level = sorted(one["position"] for one in value if one["group_id"] is None)
        demand(len(level) == len(set(level)), f"{place} positions", level)

    def component(self, value: Any, place: str) -> None:
        keys = [*COMPONENT, "components"] if value["group"] else COMPONENT
        demand(list(value) == keys, place, list(value))
        self.public_id(value["id"], f"{place}.id")
        demand(isinstance(value["name"], str) and value["name"] != "", f"{place}.name", value)
        demand(value["page_id"] == self.page["id"], f"{place}.page_id", value["page_id"])
        demand(value["status"] in COMPONENT_STATUSES, f"{place}.status", value["status"])
        for key in ("created_at", "updated_at"):
            self.time(value[key], f"{place}.{key}")
        for key in ("showcase", "group", "only_show_if_degraded"):
            demand(isinstance(value[key], bool), f"{place}.{key}", value[key])
        demand(type(value["position"]) is int, f"{place}.position", value["position"])
        demand(value["position"] >= 1, f"{place}.position", value["position"])
        is_text = isinstance(value["description"], str) and value["description"] != ""
        demand(value["description"] is None or is_text, f"{place}.description", value)
        if value["start_date"] is not None:
            demand(len(value["start_date"]) == 10, f"{place}.start_date", value["start_date"])
            date.fromisoformat(value["start_date"])
        if value["group_id"] is not None:
            self.public_id(value["group_id"], f"{place}.group_id")

    def incidents(self, value: Any, place: str) -> None:
        self._events(value, place, self.incident)

    def maintenances(self, value: Any, place: str) -> None:
        self._events(value, place, self.maintenance)

    def _events(self, value: Any, place: str, check_one: Callable[[Any, str], None]) -> None:
        demand(isinstance(value, list), place, value)
        for number, event in enumerate(value):
            check_one(event, f"{place}[{number}]")
        ids = [one["id"] for one in value]
        demand(len(ids) == len(set(ids)), f"{place} ids", ids)
        began = [datetime.fromisoformat(one["created_at"]) for one in value]
        demand(began == sorted(began, reverse=True), f"{place} order", began)

    def incident(self, value: Any, place: str) -> None:
        demand(list(value) == INCIDENT, place, list(value))
        demand(value["status"] in OPEN_STATUSES | OVER_STATUSES, f"{place}.status", value["status"])
        demand(value["impact"] in IMPACTS, f"{place}.impact", value["impact"])
        interval = value["reminder_intervals"]
        demand(
            interval is None or isinstance(interval, str), f"{place}.reminder_intervals", interval
        )
        is_over = value["status"] in OVER_STATUSES
        self._event(value, place, is_over=is_over, words=OPEN_STATUSES | OVER_STATUSES)

    def maintenance(self, value: Any, place: str) -> None:
        demand(list(value) == MAINTENANCE, place, list(value))
        demand(value["status"] in MAINTENANCE_STATUSES, f"{place}.status", value["status"])
        demand(value["impact"] == "maintenance", f"{place}.impact", value["impact"])
        starts = self.time(value["scheduled_for"], f"{place}.scheduled_for")
        ends = self.time(value["scheduled_until"], f"{place}.scheduled_until")
        demand(ends > starts, f"{place}.scheduled_until", value["scheduled_until"])
        is_over = value["status"] == "completed"
        self._event(value, place, is_over=is_over, words=MAINTENANCE_STATUSES)

    def _event(self, value: Any, place: str, *, is_over: bool, words: set[str]) -> None:
        self.public_id(value["id"], f"{place}.id")
        name = value["name"]
        demand(isinstance(name, str) and 0 < len(name) <= 255, f"{place}.name", name)
        for key in ("created_at", "updated_at", "started_at"):
            self.time(value[key], f"{place}.{key}")
        for key in ("monitoring_at", "resolved_at"):
            if value[key] is not None:
                self.time(value[key], f"{place}.{key}")
        demand((value["resolved_at"] is not None) == is_over, f"{place}.resolved_at", value)
        self.url(value["shortlink"], f"{place}.shortlink")
        link = f"{self.page['url']}/incidents/{value['id']}"
        demand(value["shortlink"] == link, f"{place}.shortlink", value["shortlink"])
        demand(value["page_id"] == self.page["id"], f"{place}.page_id", value["page_id"])
        demand(len(value["incident_updates"]) > 0, f"{place}.incident_updates", "empty")
        for number, update in enumerate(value["incident_updates"]):
            where = f"{place}.incident_updates[{number}]"
            demand(update["status"] in words, f"{where}.status", update["status"])
            self.update(update, value["id"], where)
        newest = value["incident_updates"][0]
        demand(newest["status"] == value["status"], f"{place}.incident_updates", newest)
        watched = "verifying" if "scheduled_for" in value else "monitoring"
        has_watched = any(one["status"] == watched for one in value["incident_updates"])
        demand((value["monitoring_at"] is not None) == has_watched, f"{place}.monitoring_at", value)
        said = [datetime.fromisoformat(one["created_at"]) for one in value["incident_updates"]]
        demand(said == sorted(said, reverse=True), f"{place} updates", said)
        ids = [one["id"] for one in value["incident_updates"]]
        demand(len(ids) == len(set(ids)), f"{place} updates", ids)
        demand(isinstance(value["components"], list), f"{place}.components", value["components"])
        for number, component in enumerate(value["components"]):
            self.component(component, f"{place}.components[{number}]")
            demand(component["group"] is False, f"{place}.components[{number}]", "a group")

    def update(self, value: Any, event_id: str, place: str) -> None:
        demand(list(value) == UPDATE, place, list(value))
        self.public_id(value["id"], f"{place}.id")
        demand(value["incident_id"] == event_id, f"{place}.incident_id", value["incident_id"])
        demand(isinstance(value["body"], str), f"{place}.body", value["body"])
        for key in ("created_at", "updated_at", "display_at"):
            self.time(value[key], f"{place}.{key}")
        demand(isinstance(value["deliver_notifications"], bool), place, value)
        for key in ("custom_tweet", "tweet_id"):
            demand(value[key] is None or isinstance(value[key], str), f"{place}.{key}", value[key])
        affected = value["affected_components"]
        demand(affected is None or len(affected) > 0, f"{place}.affected_components", affected)
        for one in affected or ():
            demand(list(one) == ["code", "name", "old_status", "new_status"], place, list(one))
            self.public_id(one["code"], f"{place}.affected_components.code")
            demand(one["old_status"] in COMPONENT_STATUSES, place, one)
            demand(one["new_status"] in COMPONENT_STATUSES, place, one)
