"""What an integration is made of, by internal ids: one shape for the admin, the API and the configuration file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from apps.incidents.models import Impact, IncidentStatus
from apps.integrations.models import MetricRule
from apps.pages.status import ComponentStatus


@dataclass(frozen=True, slots=True)
class LinkDefinition:
    """Link monitor to component."""

    component_id: int
    success_status: str = ComponentStatus.OPERATIONAL.value
    failure_status: str = ComponentStatus.MAJOR_OUTAGE.value


@dataclass(frozen=True, slots=True)
class IncidentDefinition:
    """Create incident when the run fails. Empty texts mean the defaults (integrations/planner.py)."""

    name: str
    status: str = IncidentStatus.INVESTIGATING.value
    impact: str = Impact.MAJOR.value
    message: str = ""
    resolved_message: str = ""


@dataclass(frozen=True, slots=True)
class MetricDefinition:
    """Send metric."""

    metric_id: int
    measure: str = MetricRule.Measure.RESPONSE_TIME_MS.value


@dataclass(frozen=True, slots=True)
class IntegrationDefinition:
    """An integration and its actions, of which there is at least one.

    `connector_id`, `page_id`, `component_id` and `metric_id` are keys of Connector, ConnectorPage,
    ConnectorComponent and ConnectorMetric.
    """

    nickname: str
    workspace_id: int
    monitor_id: int
    connector_id: int
    page_id: int
    enabled: bool = True
    link_components: tuple[LinkDefinition, ...] = ()
    create_incident: IncidentDefinition | None = None
    send_metric: MetricDefinition | None = None


@dataclass(frozen=True, slots=True)
class ConnectorDefinition:
    """A destination account. `settings` holds what the provider's `config_form` asks for."""

    name: str
    provider: str
    settings: dict[str, Any]
