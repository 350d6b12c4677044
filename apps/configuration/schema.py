"""The keys of a configuration file, with their kinds and defaults (docs/configuration.md has the table).

This says what may be written where. What a value means, and its limits, is the business of the services, which
the admin uses too; ranges given here are those of the columns.
"""

from __future__ import annotations

from typing import Any

from apps.accounts.roles import Role
from apps.configuration.document import Node
from apps.configuration.kinds import (
    ABSENT,
    AnyValue,
    Clock,
    Day,
    Flag,
    Integer,
    Key,
    ListOf,
    Moment,
    Number,
    Record,
    Text,
    Texts,
    refuse,
)
from apps.configuration.problems import Problems
from apps.incidents.models import Impact, IncidentStatus, IncidentTemplate, MaintenanceStatus
from apps.integrations.models import Connector, IncidentRule, MetricRule
from apps.monitors.models import Location, Monitor
from apps.pages.status import ComponentStatus

NAME = Text(what="a name", may_be_empty=False)
STATUS = Text(choices=tuple(ComponentStatus.values))

WORKSPACE = Record("a workspace", {"name": Key(NAME)})

LOCATION = Record(
    "a location",
    {
        "code": Key(NAME),
        "name": Key(NAME),
        "reference_targets": Key(ListOf(Text(what="a URL or host:port"), "URLs or host:port"), []),
    },
)

ASSERTION = Record(
    "an assertion",
    {
        "source": Key(Text()),
        "name": Key(Text(), ABSENT),
        "path": Key(Text(), ABSENT),
        "operator": Key(Text()),
        "value": Key(AnyValue(), ABSENT),
    },
)

EXTRACTION = Record(
    "an extraction",
    {
        "variable": Key(NAME),
        "source": Key(Text()),
        "name": Key(Text(), ABSENT),
        "path": Key(Text(), ABSENT),
        "pattern": Key(Text(), ABSENT),
    },
)

REQUEST = Record(
    "a request",
    {
        "name": Key(NAME),
        "method": Key(NAME, "GET"),
        "url": Key(Text(what="a URL")),
        "headers": Key(Texts(), {}),
        "body": Key(Text(), ABSENT),
        "json": Key(AnyValue(), ABSENT),
        "auth": Key(Texts("such as {type: basic, username: u, password: p}"), {"type": "none"}),
        "assertions": Key(ListOf(ASSERTION, "assertions"), []),
        "extract": Key(ListOf(EXTRACTION, "extractions"), []),
    },
)

CRONTAB = Record("a crontab", {"expression": Key(NAME), "time_zone": Key(NAME, "UTC")})


def _one_timing(values: dict[str, Any], node: Node, problems: Problems) -> bool:
    """A monitor has an interval or a crontab; without either it runs each minute."""
    if values["crontab"] is None:
        return True
    if "interval_s" in node.value:
        refuse(node.value["interval_s"], problems, "write either interval_s or crontab, not both")
        return False
    values["interval_s"] = None
    return True


MONITOR = Record(
    "a monitor",
    {
        "name": Key(NAME),
        "workspace": Key(NAME),
        "kind": Key(Text(choices=tuple(Monitor.Kind.values)), Monitor.Kind.HTTP.value),
        "enabled": Key(Flag(), True),
        "interval_s": Key(Integer(1, 86_400 * 7), 60),
        "crontab": Key(CRONTAB, None),
        "timeout_s": Key(Number(0.1, 900), 10),
        "run_limit_s": Key(Number(1, 900), 120),
        "retries": Key(Integer(0, 5), 0),
        "retry_delay_s": Key(Number(0, 300), 0),
        "failure_threshold": Key(Integer(1, 100), 1),
        "recovery_threshold": Key(Integer(1, 100), 1),
        "locations": Key(ListOf(NAME, "codes of locations"), [Location.DEFAULT_CODE]),
        "quorum": Key(Integer(1, 32_767), 1),
        "follow_redirects": Key(Flag(), True),
        "verify_tls": Key(Flag(), True),
        "tags": Key(ListOf(NAME, "words"), []),
        "parents": Key(ListOf(NAME, "names of monitors in the workspace"), []),
        "variables": Key(Texts(), {}),
        # A file without its secrets must not wipe them.
        "secret_variables": Key(Texts(), ABSENT, stays=True),
        "requests": Key(ListOf(REQUEST, "requests")),
    },
    check=_one_timing,
)

COMPONENT = Record(
    "a component",
    {
        "name": Key(NAME),
        "description": Key(Text(), ""),
        "showcase": Key(Flag(), True),
        "hidden": Key(Flag(), False),
        "only_show_if_degraded": Key(Flag(), False),
        "start_date": Key(Day(), None),
    },
)

GROUP = Record(
    "a group",
    {
        "name": Key(NAME),
        "description": Key(Text(), ""),
        "components": Key(ListOf(COMPONENT, "components", once="name"), ABSENT),
    },
)

METRIC = Record("a metric", {"name": Key(NAME), "unit": Key(Text(), "")})

PAGE = Record(
    "a page",
    {
        "slug": Key(NAME),
        "name": Key(NAME),
        "description": Key(Text(), ""),
        "time_zone": Key(NAME, "UTC"),
        "domain": Key(Text(), ""),
        "requires_approval": Key(Flag(), False),
        "components": Key(ListOf(COMPONENT, "components", once="name"), ABSENT),
        "groups": Key(ListOf(GROUP, "groups", once="name"), ABSENT),
        "metrics": Key(ListOf(METRIC, "metrics", once="name"), ABSENT),
    },
)

CONNECTOR = Record(
    "a connector",
    {
        "name": Key(NAME),
        "provider": Key(Text(not_yet=("statuspage", "incident_io"))),
        "api_key": Key(Text(), ABSENT, stays=True),
        "base_url": Key(Text(), ""),
    },
)

LINK = Record(
    "a linked component",
    {
        "component": Key(NAME),
        "success_status": Key(STATUS, ComponentStatus.OPERATIONAL.value),
        "failure_status": Key(STATUS, ComponentStatus.MAJOR_OUTAGE.value),
    },
)

INCIDENT_RULE = Record(
    "create_incident",
    {
        "name": Key(NAME),
        "status": Key(
            Text(choices=tuple(str(value) for value, _ in IncidentRule.OPENING)), "investigating"
        ),
        "impact": Key(Text(choices=tuple(Impact.values)), Impact.MAJOR.value),
        "message": Key(Text(), ""),
        "resolved_message": Key(Text(), ""),
    },
)

METRIC_RULE = Record(
    "send_metric",
    {
        "metric": Key(NAME),
        "measure": Key(
            Text(choices=tuple(MetricRule.Measure.values)),
            MetricRule.Measure.RESPONSE_TIME_MS.value,
        ),
    },
)

INTEGRATION = Record(
    "an integration",
    {
        "nickname": Key(NAME),
        "workspace": Key(NAME),
        "monitor": Key(NAME),
        "connector": Key(NAME, Connector.NATIVE_NAME),
        "page": Key(NAME),
        "enabled": Key(Flag(), True),
        "link_components": Key(ListOf(LINK, "linked components", once="component"), []),
        "create_incident": Key(INCIDENT_RULE, None),
        "send_metric": Key(METRIC_RULE, None),
    },
)

INCIDENT_TEMPLATE = Record(
    "a template",
    {
        "name": Key(NAME),
        "page": Key(NAME),
        "kind": Key(
            Text(choices=tuple(IncidentTemplate.Kind.values)), IncidentTemplate.Kind.INCIDENT.value
        ),
        "title": Key(Text(), ""),
        "message": Key(Text(), ""),
        "update_status": Key(
            Text(
                choices=tuple(
                    dict.fromkeys(["", *IncidentStatus.values, *MaintenanceStatus.values])
                )
            ),
            "",
        ),
        "impact_override": Key(Text(choices=("", *Impact.values)), ""),
        "components": Key(ListOf(NAME, "names of components on the page"), []),
        "component_status": Key(Text(choices=("", *ComponentStatus.values)), ""),
        "deliver_notifications": Key(Flag(), True),
    },
)

RECURRENCE = Record(
    "a recurrence",
    {
        "rule": Key(NAME),
        "time_zone": Key(NAME, None),
        "first_date": Key(Day()),
        "start_time": Key(Clock()),
        "duration_minutes": Key(Integer(1, 60 * 24 * 31), 60),
        "announce_days": Key(Integer(1, 90), 7),
        "enabled": Key(Flag(), True),
    },
)


def _once_or_again(values: dict[str, Any], node: Node, problems: Problems) -> bool:
    """A maintenance has its two times, or a recurrence."""
    times = [name for name in ("scheduled_for", "scheduled_until") if values[name] is not None]
    if values["recurrence"] is not None and not times:
        return True
    if values["recurrence"] is None and len(times) == 2:
        return True
    refuse(node, problems, "write scheduled_for and scheduled_until, or recurrence")
    return False


MAINTENANCE = Record(
    "a maintenance",
    {
        "name": Key(NAME),
        "page": Key(NAME),
        "message": Key(Text(), ""),
        "components": Key(ListOf(NAME, "names of components on the page"), []),
        "scheduled_for": Key(Moment(), None),
        "scheduled_until": Key(Moment(), None),
        "recurrence": Key(RECURRENCE, None),
        "starts_itself": Key(Flag(), True),
        "ends_itself": Key(Flag(), True),
        "deliver_notifications": Key(Flag(), True),
    },
    check=_once_or_again,
)


def _one_place(values: dict[str, Any], node: Node, problems: Problems) -> bool:
    """A member belongs to a workspace or to a page."""
    if ("workspace" in values) != ("page" in values):
        return True
    refuse(node, problems, "write either workspace or page")
    return False


MEMBER = Record(
    "a member",
    {
        "user": Key(NAME),
        "workspace": Key(NAME, ABSENT),
        "page": Key(NAME, ABSENT),
        "role": Key(Text(choices=tuple(Role.values))),
    },
    check=_one_place,
)

SECTIONS = {
    "workspaces": WORKSPACE,
    "locations": LOCATION,
    "monitors": MONITOR,
    "pages": PAGE,
    "connectors": CONNECTOR,
    "integrations": INTEGRATION,
    "incident_templates": INCIDENT_TEMPLATE,
    "maintenances": MAINTENANCE,
    "members": MEMBER,
}

NOT_YET = ("alert_sources", "alert_actions")
