"""What integrations, connectors and deliveries look like to those above."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

from django.db.models import Exists, F, OuterRef, Q, QuerySet

from apps.incidents.models import Incident, IncidentStatus
from apps.integrations.definition import (
    IncidentDefinition,
    IntegrationDefinition,
    LinkDefinition,
    MetricDefinition,
)
from apps.integrations.models import (
    ComponentLink,
    Connector,
    ConnectorComponent,
    ConnectorMetric,
    ConnectorPage,
    Delivery,
    DeliveryStream,
    IncidentRule,
    Integration,
    MetricRule,
)


def definition_of(integration: Integration) -> IntegrationDefinition:
    """Return the definition that would make this integration, its links by their components' keys (three queries)."""
    rule = IncidentRule.objects.filter(integration=integration, enabled=True).first()
    metric = MetricRule.objects.filter(integration=integration, enabled=True).first()
    links = ComponentLink.objects.filter(integration=integration, archived_at__isnull=True)
    return IntegrationDefinition(
        nickname=integration.nickname,
        workspace_id=integration.workspace_id,
        monitor_id=integration.monitor_id,
        connector_id=integration.connector_id,
        page_id=integration.page_id,
        enabled=integration.enabled,
        link_components=tuple(
            LinkDefinition(link.component_id, link.success_status, link.failure_status)
            for link in links.order_by("component_id")
        ),
        create_incident=IncidentDefinition(
            rule.name, rule.status, rule.impact, rule.message, rule.resolved_message
        )
        if rule
        else None,
        send_metric=MetricDefinition(metric.metric_id, metric.measure) if metric else None,
    )


def described(definition: IntegrationDefinition) -> dict[str, object]:
    """Return the definition for people: {key: JSON value}, what it points at by name."""
    components = ConnectorComponent.objects.in_bulk(
        [link.component_id for link in definition.link_components]
    )
    metric = definition.send_metric
    incident = definition.create_incident
    # The rows exist: a definition is described once it was checked.
    integration = Integration(
        workspace_id=definition.workspace_id,
        monitor_id=definition.monitor_id,
        connector_id=definition.connector_id,
        page_id=definition.page_id,
    )
    return {
        "nickname": definition.nickname,
        "workspace": str(integration.workspace),
        "monitor": str(integration.monitor),
        "connector": str(integration.connector),
        "page": str(integration.page),
        "enabled": definition.enabled,
        "link_components": [
            {
                "component": str(components[link.component_id]),
                "success_status": link.success_status,
                "failure_status": link.failure_status,
            }
            for link in definition.link_components
        ],
        "create_incident": asdict(incident) if incident else None,
        "send_metric": {
            "metric": str(ConnectorMetric.objects.get(pk=metric.metric_id)),
            "measure": metric.measure,
        }
        if metric
        else None,
    }


def live_connector(name: str) -> Connector | None:
    """Return the live connector of this name."""
    return Connector.objects.live().filter(name=name).first()


def pages_named(connector: Connector, text: str) -> Sequence[ConnectorPage]:
    """Return the connector's live pages whose slug, remote id or name this is, the first kind that matches."""
    pages = ConnectorPage.objects.live().filter(connector=connector)
    for match in (Q(slug=text) & ~Q(slug=""), Q(remote_id=text), Q(name=text)):
        found = list(pages.filter(match))
        if found:
            return found
    return []


def components_named(page: ConnectorPage, text: str) -> Sequence[ConnectorComponent]:
    """Return the page's live components called `Name` or `Group / Name`; several when that is ambiguous."""
    rows = list(ConnectorComponent.objects.live().filter(page=page))
    return [row for row in rows if row.name == text] or [row for row in rows if str(row) == text]


def metrics_named(page: ConnectorPage, text: str) -> Sequence[ConnectorMetric]:
    """Return the page's live metrics of this name."""
    return list(ConnectorMetric.objects.live().filter(page=page, name=text))


@dataclass(frozen=True, slots=True)
class Broken:
    """An integration that cannot do all that it is set up to do, and why, in a sentence."""

    integration: Integration
    reason: str


def broken_integrations(among: QuerySet[Integration], *, at_most: int) -> list[Broken]:
    """Return the first live, enabled integrations of these that point at something gone, by name (three queries)."""
    links = ComponentLink.objects.filter(archived_at__isnull=True).filter(
        Q(component__archived_at__isnull=False)
        | ~Q(component__page=F("integration__page"))  # It moved.
    )
    metrics = MetricRule.objects.filter(enabled=True, metric__archived_at__isnull=False)
    rows = list(
        among.filter(archived_at__isnull=True, enabled=True)
        .filter(
            Q(monitor__archived_at__isnull=False)
            | Q(page__archived_at__isnull=False)
            | Q(pk__in=links.values("integration"))
            | Q(pk__in=metrics.values("integration"))
        )
        .select_related("monitor", "page", "connector")
        .order_by("nickname", "pk")[:at_most]
    )
    gone: dict[int, str] = {}
    for link in links.filter(integration__in=rows).select_related("component").order_by("pk"):
        how = "is gone" if link.component.is_archived else "moved to another page"
        gone.setdefault(link.integration_id, f"The component {link.component} {how}.")
    for rule in metrics.filter(integration__in=rows).select_related("metric"):
        gone.setdefault(rule.integration_id, f"The metric {rule.metric} is gone.")
    return [Broken(row, _gone(row) or gone[row.pk]) for row in rows]


def _gone(row: Integration) -> str:
    """Return what of its two ends is gone, in a sentence."""
    if row.monitor.is_archived:
        return f"The monitor {row.monitor} was removed."
    return f"The page {row.page} is gone." if row.page.is_archived else ""


def incidents_left_to_staff() -> QuerySet[DeliveryStream]:
    """Return streams of incidents that automation opened and tends no more, and that nobody resolved or took over.

    An incident elsewhere cannot be looked into from here: it is listed while its outage lasts.
    """
    settled = Incident.objects.filter(public_id=OuterRef("remote_id")).filter(
        Q(status=IncidentStatus.RESOLVED)
        | Q(taken_over_at__isnull=False)
        | Q(archived_at__isnull=False)
    )
    native = Q(connector__provider=Connector.Provider.NATIVE)
    return (
        DeliveryStream.objects.filter(kind=DeliveryStream.Kind.INCIDENT, abandoned_at__isnull=False)
        .filter(
            (native & ~Q(remote_id="") & ~Exists(settled))
            | (~native & Q(outage__closed_at__isnull=True))
        )
        .select_related("page", "connector", "rule__integration", "outage__monitor")
        .order_by("-abandoned_at", "-pk")
    )


def left_by_integrations(public_ids: Collection[str]) -> set[str]:
    """Return which of our own incidents, by public id, automation opened and tends no more."""
    streams = DeliveryStream.objects.filter(
        kind=DeliveryStream.Kind.INCIDENT,
        connector__provider=Connector.Provider.NATIVE,
        remote_id__in=public_ids,
        abandoned_at__isnull=False,
    )
    return set(streams.values_list("remote_id", flat=True))


def incidents_left_since(integration_id: int, at: datetime) -> list[Incident]:
    """Return the open incidents of our own that this integration left to staff at `at` or later."""
    streams = DeliveryStream.objects.filter(rule__integration=integration_id, abandoned_at__gte=at)
    rows = Incident.objects.live().filter(public_id__in=streams.values("remote_id"))
    return list(rows.exclude(status=IncidentStatus.RESOLVED).order_by("pk"))


def incidents_tended_by(integration_id: int) -> list[Incident]:
    """Return the open incidents of our own that this integration opened and would resolve."""
    streams = DeliveryStream.objects.filter(
        rule__integration=integration_id, abandoned_at__isnull=True
    ).exclude(remote_id="")
    rows = Incident.objects.live().filter(
        public_id__in=streams.values("remote_id"), taken_over_at__isnull=True
    )
    return list(rows.exclude(status=IncidentStatus.RESOLVED).order_by("pk"))


def integration_behind(incident: Incident) -> Integration | None:
    """Return the integration that opened the incident, archived or not."""
    if incident.idempotency_key is None:
        return None
    stream = (
        DeliveryStream.objects.filter(
            kind=DeliveryStream.Kind.INCIDENT, key=incident.idempotency_key
        )
        .select_related("rule__integration")
        .first()
    )
    return stream.rule.integration if stream is not None and stream.rule is not None else None


def dead_deliveries() -> QuerySet[Delivery]:
    """Return deliveries that were given up and not sent again since, the newest first."""
    return (
        Delivery.objects.filter(state=Delivery.State.DEAD)
        .filter(~Exists(Delivery.objects.filter(replay_of=OuterRef("pk"))))
        .select_related("stream__connector", "stream__page", "integration")
        .order_by("-pk")
    )


def pending_count(at_most: int = 10_000) -> int:
    """Return how many deliveries are on their way; counting stops at `at_most`."""
    return Delivery.objects.filter(state=Delivery.State.PENDING).order_by()[:at_most].count()


def waiting_deliveries() -> QuerySet[Delivery]:
    """Return pending deliveries that failed at least once, the next to be tried first."""
    # In the order of the pending ones' index: by key all that ever arrived would be read.
    return (
        Delivery.objects.filter(state=Delivery.State.PENDING, attempts__gt=0)
        .select_related("stream__connector", "stream__page", "integration")
        .order_by("next_attempt_at", "pk")
    )
