"""How an integration stands: does it act, and if not, why. Read for many at once, in the statement that lists them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet, Subquery

from apps.integrations.models import ComponentLink, Delivery, Integration
from apps.monitors.models import Outage


@dataclass(frozen=True, slots=True)
class Standing:
    """`kind` is archived, paused, broken, idle, failing or active; `reason` a sentence, where there is one."""

    kind: str
    label: str
    reason: str = ""


def with_standing(rows: QuerySet[Integration]) -> QuerySet[Any]:
    """Return the integrations with what `standing_of` and `actions_of` need, and their newest delivery.

    Adds `link_count`, `gone_component`, `moved_component`, `is_failing`, `last_at` and `last_state`.
    """
    live = ComponentLink.objects.filter(integration=OuterRef("pk"), archived_at__isnull=True)
    gone = live.filter(component__archived_at__isnull=False).order_by("pk")
    elsewhere = ~Q(component__page=F("integration__page"))
    moved = live.filter(elsewhere, component__archived_at__isnull=True).order_by("pk")
    count = live.order_by().values("integration").annotate(n=Count("pk")).values("n")
    newest = Delivery.objects.filter(integration=OuterRef("pk")).order_by("-pk")
    failing = Outage.objects.open().filter(monitor=OuterRef("monitor"))
    return rows.select_related(
        "workspace", "monitor", "page", "connector", "incident_rule", "metric_rule__metric"
    ).annotate(
        link_count=Subquery(count),
        gone_component=Subquery(gone.values("component__name")[:1]),
        moved_component=Subquery(moved.values("component__name")[:1]),
        is_failing=Exists(failing),
        last_at=Subquery(newest.values("at")[:1]),
        last_state=Subquery(newest.values("state")[:1]),
    )


def standing_of(row: Any) -> Standing:
    """Return how an integration read by `with_standing` stands."""
    if row.is_archived:
        return Standing("archived", "Archived")
    if not row.enabled:
        return Standing("paused", "Paused", "It says nothing on the page until it is resumed.")
    if reason := _broken(row):
        return Standing("broken", "Broken", reason)
    if not row.monitor.enabled:
        return Standing(
            "idle", "Monitor paused", "Nothing happens until the monitor is resumed and runs again."
        )
    if row.is_failing:
        return Standing("failing", "Monitor failing", "What is said of failing is on the page.")
    return Standing("active", "Active")


def actions_of(row: Any) -> list[str]:
    """Return the actions of an integration read by `with_standing`, in words."""
    incident, metric = getattr(row, "incident_rule", None), getattr(row, "metric_rule", None)
    found = []
    if row.link_count:
        found.append("1 component" if row.link_count == 1 else f"{row.link_count} components")
    if incident is not None and incident.enabled:
        found.append(f"incident “{incident.name}”")
    if metric is not None and metric.enabled:
        found.append(f"metric {metric.metric}")
    return found


def _broken(row: Any) -> str:
    metric = getattr(row, "metric_rule", None)
    if row.monitor.is_archived:
        return f"The monitor {row.monitor} was removed."
    if row.connector.is_archived:
        return f"The connector {row.connector} was removed."
    if row.page.is_archived:
        return f"The page {row.page} is gone."
    if row.gone_component:
        return f"The component {row.gone_component} is gone."
    if row.moved_component:
        return f"The component {row.moved_component} moved to another page."
    if metric is not None and metric.enabled and metric.metric.is_archived:
        return f"The metric {metric.metric} is gone."
    return ""
