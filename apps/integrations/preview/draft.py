"""An integration as a form says it so far: anything may still be missing."""

from __future__ import annotations

from dataclasses import dataclass

from apps.integrations.definition import IncidentDefinition
from apps.integrations.models import Integration, MetricRule
from apps.integrations.selectors import definition_of
from apps.pages.status import ComponentStatus


@dataclass(frozen=True, slots=True)
class DraftLink:
    """A row of “Link monitor to component”."""

    component_id: int
    success_status: str = ComponentStatus.OPERATIONAL.value
    failure_status: str = ComponentStatus.MAJOR_OUTAGE.value


@dataclass(frozen=True, slots=True)
class Draft:
    """What was chosen. Ids are keys, as in `IntegrationDefinition`; None: not chosen yet.

    `link_components` None: the action is off; empty: it is on, with nothing chosen. So is an incident without a name,
    and a metric action (`with_metric`) without a metric.
    """

    integration_id: int | None = None
    nickname: str = ""
    enabled: bool = True
    monitor_id: int | None = None
    page_id: int | None = None
    link_components: tuple[DraftLink, ...] | None = None
    create_incident: IncidentDefinition | None = None
    with_metric: bool = False
    metric_id: int | None = None
    measure: str = MetricRule.Measure.RESPONSE_TIME_MS.value


def draft_of(integration: Integration) -> Draft:
    """Return the saved integration as a form would say it (three queries)."""
    held = definition_of(integration)
    links = tuple(
        DraftLink(link.component_id, link.success_status, link.failure_status)
        for link in held.link_components
    )
    metric = held.send_metric
    return Draft(
        integration_id=integration.pk,
        nickname=held.nickname,
        enabled=held.enabled,
        monitor_id=held.monitor_id,
        page_id=held.page_id,
        link_components=links or None,
        create_incident=held.create_incident,
        with_metric=metric is not None,
        metric_id=metric.metric_id if metric else None,
        measure=metric.measure if metric else MetricRule.Measure.RESPONSE_TIME_MS.value,
    )
