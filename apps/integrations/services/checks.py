"""Check an integration's definition as a whole: every row's own rules, and what has to fit together."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from apps.core.errors import Invalid
from apps.core.validation import clean
from apps.integrations.belonging import COMPONENT, METRIC, MONITOR, PAGE
from apps.integrations.definition import IntegrationDefinition
from apps.integrations.models import (
    ComponentLink,
    Connector,
    ConnectorComponent,
    ConnectorMetric,
    ConnectorPage,
    IncidentRule,
    Integration,
    MetricRule,
)
from apps.monitors.models import Monitor


@dataclass(frozen=True, slots=True)
class Checked:
    """The rows that a definition makes, valid and not saved. `integration` is the row that was given."""

    integration: Integration
    links: tuple[ComponentLink, ...]
    incident: IncidentRule | None
    metric: MetricRule | None


def checked(definition: IntegrationDefinition, integration: Integration) -> Checked:
    """Return the rows. Invalid lists every fault by its path, such as `link_components[0].component`."""
    faults = _Faults()
    integration.nickname = definition.nickname
    integration.workspace_id = definition.workspace_id
    integration.monitor_id = definition.monitor_id
    integration.connector_id = definition.connector_id
    integration.page_id = definition.page_id
    integration.enabled = definition.enabled
    faults.take(integration)
    _check_targets(definition, faults)
    links = _links(definition, integration, faults)
    incident = _incident(definition, integration, faults)
    metric = _metric(definition, integration, faults)
    if not links and incident is None and metric is None:
        faults.add(
            "",
            "Choose at least one action: link components, create an incident or send a metric.",
        )
    faults.refuse()
    return Checked(integration, links, incident, metric)


class _Faults:
    def __init__(self) -> None:
        self._found: list[tuple[str, str]] = []

    def add(self, path: str, message: str) -> None:
        self._found.append((path, message))

    def take(
        self,
        row: Integration | ComponentLink | IncidentRule | MetricRule,
        *,
        at: str = "",
        exclude: Collection[str] = (),
    ) -> None:
        try:
            clean(row, at=at, exclude=set(exclude))
        except Invalid as error:
            self._found += error.errors

    def refuse(self) -> None:
        if self._found:
            path, message = self._found[0]
            raise Invalid("invalid", message, field=path or None, errors=tuple(self._found))


def _check_targets(definition: IntegrationDefinition, faults: _Faults) -> None:
    if not Monitor.objects.filter(
        pk=definition.monitor_id,
        workspace_id=definition.workspace_id,
        archived_at__isnull=True,
        workspace__archived_at__isnull=True,
    ).exists():
        faults.add(MONITOR.field, MONITOR.message)
    if not Connector.objects.live().filter(pk=definition.connector_id).exists():
        faults.add("connector", "Choose a connector that is not archived.")
    if (
        not ConnectorPage.objects.live()
        .filter(pk=definition.page_id, connector_id=definition.connector_id)
        .exists()
    ):
        faults.add(PAGE.field, PAGE.message)


def _links(
    definition: IntegrationDefinition, integration: Integration, faults: _Faults
) -> tuple[ComponentLink, ...]:
    on_page = set(
        ConnectorComponent.objects.live()
        .filter(
            page_id=definition.page_id,
            pk__in=[one.component_id for one in definition.link_components],
        )
        .values_list("pk", flat=True)
    )
    links: list[ComponentLink] = []
    seen: set[int] = set()
    for index, wanted in enumerate(definition.link_components):
        path = f"link_components[{index}]"
        link = ComponentLink(
            integration=integration,
            component_id=wanted.component_id,
            success_status=wanted.success_status,
            failure_status=wanted.failure_status,
        )
        if wanted.component_id not in on_page:
            faults.add(f"{path}.{COMPONENT.field}", COMPONENT.message)
        elif wanted.component_id in seen:
            faults.add(f"{path}.component", "The integration links this component already.")
        seen.add(wanted.component_id)
        # The link that may be there already is the one to be changed, so it is not in its own way.
        faults.take(link, at=path, exclude=("integration", "component"))
        links.append(link)
    return tuple(links)


def _incident(
    definition: IntegrationDefinition, integration: Integration, faults: _Faults
) -> IncidentRule | None:
    wanted = definition.create_incident
    if wanted is None:
        return None
    rule = IncidentRule(
        integration=integration,
        name=wanted.name,
        status=wanted.status,
        impact=wanted.impact,
        message=wanted.message,
        resolved_message=wanted.resolved_message,
    )
    faults.take(rule, at="create_incident", exclude=("integration",))
    return rule


def _metric(
    definition: IntegrationDefinition, integration: Integration, faults: _Faults
) -> MetricRule | None:
    wanted = definition.send_metric
    if wanted is None:
        return None
    rule = MetricRule(integration=integration, metric_id=wanted.metric_id, measure=wanted.measure)
    if (
        not ConnectorMetric.objects.live()
        .filter(pk=wanted.metric_id, page_id=definition.page_id)
        .exists()
    ):
        faults.add(f"send_metric.{METRIC.field}", METRIC.message)
    faults.take(rule, at="send_metric", exclude=("integration", "metric"))
    return rule
