"""The documents' contract as a strict check, written from tests/contracts/statuspage-public-v2.md, sections 2 and 3.

Keys are compared as lists: their order is part of the contract.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

PAGE = ["id", "name", "url", "time_zone", "updated_at"]
STATUS = ["indicator", "description"]
COMPONENT = [
    "id", "name", "status", "created_at", "updated_at", "position", "description", "showcase", "start_date",
    "group_id", "page_id", "group", "only_show_if_degraded",
]  # fmt: skip
INCIDENT = [
    "id", "name", "status", "created_at", "updated_at", "monitoring_at", "resolved_at", "impact", "shortlink",
    "started_at", "page_id", "incident_updates", "components", "reminder_intervals",
]  # fmt: skip
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
COMPONENT_STATUSES = [
    "operational", "under_maintenance", "degraded_performance", "partial_outage", "major_outage",
]  # fmt: skip
INCIDENT_STATUSES = {"investigating", "identified", "monitoring", "resolved"}
IMPACTS = {"none", "minor", "major", "critical", "maintenance"}
PAIRS = {
    ("none", "All Systems Operational"),
    ("critical", "Major System Outage"),
    ("major", "Partial System Outage"),
    ("minor", "Minor Service Outage"),
    ("minor", "Degraded System Service"),
    ("minor", "Partially Degraded Service"),
    ("maintenance", "Service Under Maintenance"),
}
ID = re.compile(r"[0-9bcdfghjklmnpqrstvwxyz]{12}")
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}(Z|[+-]\d\d:\d\d)")


class Breach(AssertionError):
    """A document breaks the contract; the message names the place."""


def check(documents: dict[str, Any]) -> None:
    """Raise Breach unless the decoded documents, by name, keep the contract, one by one and together."""
    _demand(set(documents) == set(DOCUMENTS), "documents", sorted(documents))
    for name, keys in DOCUMENTS.items():
        document = documents[name]
        _demand(list(document) == keys, name, list(document))
        page = _Page(document["page"], f"{name}.page")
        for part, value in document.items():
            checks: dict[str, Callable[[Any, str], None]] = {
                "page": lambda value, place: None,
                "status": page.status,
                "components": page.components,
                "incidents": page.incidents,
                "scheduled_maintenances": page.nothing,
            }
            checks[part](value, f"{name}.{part}")
    summary = documents["summary"]
    _demand(summary["components"] == documents["components"]["components"], "components", "differ")
    _demand(summary["status"] == documents["status"]["status"], "status", "differs")
    unresolved = documents["incidents/unresolved"]["incidents"]
    _demand(summary["incidents"] == unresolved, "incidents", "differ")
    _demand(all(one["status"] != "resolved" for one in unresolved), "unresolved", "a resolved one")
    _demand(len(documents["incidents"]["incidents"]) <= 50, "incidents", "more than 50")


def _demand(holds: bool, place: str, found: Any) -> None:
    if not holds:
        raise Breach(f"{place}: {found!r}")


class _Page:
    def __init__(self, page: Any, place: str) -> None:
        _demand(list(page) == PAGE, place, list(page))
        _demand(ID.fullmatch(page["id"]) is not None, f"{place}.id", page["id"])
        _demand("/" in page["time_zone"], f"{place}.time_zone", page["time_zone"])
        _demand(
            re.match(r"https?://\S+[^/]$", page["url"]) is not None, f"{place}.url", page["url"]
        )
        self.page = page
        self.zone = ZoneInfo(page["time_zone"])
        self.time(page["updated_at"], f"{place}.updated_at")

    def time(self, value: Any, place: str) -> None:
        """Demand three decimals, and Z in plain UTC, else the zone's offset at that instant."""
        matched = TIME.fullmatch(value) if isinstance(value, str) else None
        _demand(matched is not None, place, value)
        assert matched is not None
        if self.zone.key == "Etc/UTC":
            _demand(matched.group(1) == "Z", place, value)
            return
        at = datetime.fromisoformat(value)
        _demand(matched.group(1) != "Z", place, value)
        _demand(at.utcoffset() == at.astimezone(self.zone).utcoffset(), place, value)

    def public_id(self, value: Any, place: str) -> None:
        _demand(isinstance(value, str) and ID.fullmatch(value) is not None, place, value)

    def nothing(self, value: Any, place: str) -> None:
        _demand(value == [], place, value)

    def status(self, value: Any, place: str) -> None:
        _demand(list(value) == STATUS, place, list(value))
        _demand((value["indicator"], value["description"]) in PAIRS, place, value)

    def components(self, value: Any, place: str) -> None:
        for number, component in enumerate(value):
            self.component(component, f"{place}[{number}]")
        order = [(one["position"], one["name"]) for one in value]
        _demand(order == sorted(order), f"{place} order", order)
        ids = [one["id"] for one in value]
        _demand(len(ids) == len(set(ids)), f"{place} ids", ids)
        by_id = {one["id"]: one for one in value}
        for group in value:
            if not group["group"]:
                continue
            members = [by_id[member] for member in group["components"]]
            _demand(bool(members), f"{place} group", "empty")
            _demand(all(one["group_id"] == group["id"] for one in members), f"{place} group", group)
            positions = [one["position"] for one in members]
            _demand(positions == list(range(1, len(members) + 1)), f"{place} group", positions)
            worst = max((one["status"] for one in members), key=COMPONENT_STATUSES.index)
            _demand(group["status"] == worst, f"{place} group status", group["status"])
        level = sorted(one["position"] for one in value if one["group_id"] is None)
        _demand(len(level) == len(set(level)), f"{place} positions", level)

    def component(self, value: Any, place: str) -> None:
        keys = [*COMPONENT, "components"] if value["group"] else COMPONENT
        _demand(list(value) == keys, place, list(value))
        self.public_id(value["id"], f"{place}.id")
        _demand(value["page_id"] == self.page["id"], f"{place}.page_id", value["page_id"])
        _demand(value["status"] in COMPONENT_STATUSES, f"{place}.status", value["status"])
        for key in ("created_at", "updated_at"):
            self.time(value[key], f"{place}.{key}")
        for key in ("showcase", "group", "only_show_if_degraded"):
            _demand(isinstance(value[key], bool), f"{place}.{key}", value[key])
        _demand(value["position"] >= 1, f"{place}.position", value["position"])
        _demand(value["description"] != "", f"{place}.description", "")
        if value["start_date"] is not None:
            date.fromisoformat(value["start_date"])
        if value["group_id"] is not None:
            self.public_id(value["group_id"], f"{place}.group_id")

    def incidents(self, value: Any, place: str) -> None:
        for number, incident in enumerate(value):
            self.incident(incident, f"{place}[{number}]")
        began = [datetime.fromisoformat(one["created_at"]) for one in value]
        _demand(began == sorted(began, reverse=True), f"{place} order", began)

    def incident(self, value: Any, place: str) -> None:
        _demand(list(value) == INCIDENT, place, list(value))
        self.public_id(value["id"], f"{place}.id")
        _demand(value["status"] in INCIDENT_STATUSES, f"{place}.status", value["status"])
        _demand(value["impact"] in IMPACTS, f"{place}.impact", value["impact"])
        for key in ("created_at", "updated_at", "started_at"):
            self.time(value[key], f"{place}.{key}")
        for key in ("monitoring_at", "resolved_at"):
            if value[key] is not None:
                self.time(value[key], f"{place}.{key}")
        is_resolved = value["status"] == "resolved"
        _demand((value["resolved_at"] is not None) == is_resolved, f"{place}.resolved_at", value)
        link = f"{self.page['url']}/incidents/{value['id']}"
        _demand(value["shortlink"] == link, f"{place}.shortlink", value["shortlink"])
        _demand(value["page_id"] == self.page["id"], f"{place}.page_id", value["page_id"])
        _demand(value["reminder_intervals"] is None, f"{place}.reminder_intervals", value)
        _demand(len(value["incident_updates"]) > 0, f"{place}.incident_updates", "empty")
        for number, update in enumerate(value["incident_updates"]):
            self.update(update, value["id"], f"{place}.incident_updates[{number}]")
        said = [datetime.fromisoformat(one["created_at"]) for one in value["incident_updates"]]
        _demand(said == sorted(said, reverse=True), f"{place} updates", said)
        for number, component in enumerate(value["components"]):
            self.component(component, f"{place}.components[{number}]")
            _demand(component["group"] is False, f"{place}.components[{number}]", "a group")

    def update(self, value: Any, incident_id: str, place: str) -> None:
        _demand(list(value) == UPDATE, place, list(value))
        self.public_id(value["id"], f"{place}.id")
        _demand(value["incident_id"] == incident_id, f"{place}.incident_id", value["incident_id"])
        _demand(value["status"] in INCIDENT_STATUSES, f"{place}.status", value["status"])
        _demand(isinstance(value["body"], str), f"{place}.body", value["body"])
        for key in ("created_at", "updated_at", "display_at"):
            self.time(value[key], f"{place}.{key}")
        _demand(isinstance(value["deliver_notifications"], bool), place, value)
        _demand(value["custom_tweet"] is None and value["tweet_id"] is None, place, value)
        affected = value["affected_components"]
        _demand(affected is None or len(affected) > 0, f"{place}.affected_components", affected)
        for one in affected or ():
            _demand(list(one) == ["code", "name", "old_status", "new_status"], place, list(one))
            self.public_id(one["code"], f"{place}.affected_components.code")
            _demand(one["old_status"] in COMPONENT_STATUSES, place, one)
            _demand(one["new_status"] in COMPONENT_STATUSES, place, one)
