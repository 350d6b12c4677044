"""A page, monitors and what links them, made and changed through the services."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from apps.core.actors import AUTOMATION
from apps.incidents.models import Incident
from apps.integrations import deliver
from apps.integrations.definition import (
    IncidentDefinition,
    IntegrationDefinition,
    LinkDefinition,
    MetricDefinition,
)
from apps.integrations.mirror import native_connector
from apps.integrations.models import (
    ConnectorComponent,
    ConnectorMetric,
    ConnectorPage,
    Delivery,
    Integration,
)
from apps.integrations.services import create_integration
from apps.monitors.models import Monitor, Outage
from apps.monitors.services import settle_outages
from apps.pages.contributions import ContributionChange, Word
from apps.pages.models import Component, Page
from apps.pages.services import apply_contributions, create_component, create_metric, create_page
from tests.factories import LONG_AGO, NOW, PERSON, MonitorFactory, ScheduleFactory

INCIDENT = IncidentDefinition(
    name="Checkout is failing",
    impact="critical",
    message="We are looking.",
    resolved_message="Orders go through again.",
)


def minutes(count: float) -> datetime:
    """Return the instant so many minutes after NOW."""
    return NOW + timedelta(minutes=count)


def make_page(name: str = "Acme", components: Sequence[str] = ("Checkout",)) -> Page:
    """Create a page with components."""
    page = create_page(name=name, slug=name.lower(), actor=PERSON, at=LONG_AGO)
    for component in components:
        create_component(page_id=page.pk, name=component, actor=PERSON, at=LONG_AGO)
    return page


def make_monitor(name: str = "Check checkout") -> Monitor:
    """Create a monitor that runs at one place."""
    monitor: Monitor = MonitorFactory(name=name)
    ScheduleFactory(monitor=monitor)
    return monitor


def component(name: str = "Checkout") -> Component:
    found: Component = Component.objects.get(name=name)
    return found


def mirrored(name: str = "Checkout") -> ConnectorComponent:
    """Return the native connector's view of a component."""
    return ConnectorComponent.objects.get(name=name, page__connector=native_connector())


def mirrored_page(page: Page) -> ConnectorPage:
    return ConnectorPage.objects.get(remote_id=page.public_id)


def definition(
    monitor: Monitor,
    page: Page,
    *,
    nickname: str = "Checkout to page",
    links: Mapping[str, str] | None = None,
    incident: IncidentDefinition | None = INCIDENT,
    metric: MetricDefinition | None = None,
    enabled: bool = True,
) -> IntegrationDefinition:
    """Return an integration's definition. `links` is {component name: failure status}."""
    wanted = {"Checkout": "major_outage"} if links is None else links
    return IntegrationDefinition(
        nickname=nickname,
        workspace_id=monitor.workspace_id,
        monitor_id=monitor.pk,
        connector_id=native_connector().pk,
        page_id=mirrored_page(page).pk,
        enabled=enabled,
        link_components=tuple(
            LinkDefinition(mirrored(name).pk, failure_status=status)
            for name, status in wanted.items()
        ),
        create_incident=incident,
        send_metric=metric,
    )


def integrate(
    monitor: Monitor,
    page: Page,
    *,
    at: datetime = LONG_AGO,
    nickname: str = "Checkout to page",
    links: Mapping[str, str] | None = None,
    incident: IncidentDefinition | None = INCIDENT,
    metric: MetricDefinition | None = None,
    enabled: bool = True,
) -> Integration:
    """Create an integration and deliver what it says."""
    made = create_integration(
        definition=definition(
            monitor,
            page,
            nickname=nickname,
            links=links,
            incident=incident,
            metric=metric,
            enabled=enabled,
        ),
        actor=PERSON,
        at=at,
    )
    deliver_all()
    return made


def fails(monitor: Monitor, at: datetime) -> Outage:
    """Let the monitor fail: its outage opens, as the recorder opens it."""
    settle(monitor, failing=True, at=at)
    return Outage.objects.open().get(monitor=monitor)


def recovers(monitor: Monitor, at: datetime) -> None:
    """Let the monitor pass again: its outage closes."""
    settle(monitor, failing=False, at=at)


def settle(monitor: Monitor, *, failing: bool, at: datetime) -> None:
    """Let the monitor's one place fail or pass, whatever it did before."""
    monitor.schedules.update(
        is_failing=failing, streak_is_failing=failing, streak=1, streak_started_at=at
    )
    settle_outages(monitor_ids=[monitor.pk], actor=AUTOMATION, at=at)


def maintain(name: str, at: datetime) -> None:
    """Start a maintenance of a component."""
    word = Word("m41nt3n4nc30", "under_maintenance", at)
    _maintenance(name, ContributionChange(component(name).pk, "maintenance", upsert=(word,)), at)


def end_maintenance(name: str, at: datetime) -> None:
    change = ContributionChange(component(name).pk, "maintenance", withdraw=("m41nt3n4nc30",))
    _maintenance(name, change, at)


def _maintenance(name: str, change: ContributionChange, at: datetime) -> None:
    apply_contributions(changes=[change], actor=AUTOMATION, at=at)


def deliver_all() -> None:
    """Attempt everything that is due, here and elsewhere."""
    deliver.sweep()


def statuses() -> dict[str, str]:
    """Return {component name: status} of every component."""
    return dict(Component.objects.order_by("name").values_list("name", "status"))


def incident_statuses() -> list[str]:
    """Return the statuses of every incident, in the order of opening."""
    return list(Incident.objects.order_by("pk").values_list("status", flat=True))


def pending() -> int:
    return Delivery.objects.filter(state=Delivery.State.PENDING).count()


def metric_definition(page: Page, measure: str = "response_time_ms") -> MetricDefinition:
    """Create a metric on the page and return the action that feeds it."""
    create_metric(page_id=page.pk, name="Response time", unit="ms", actor=PERSON, at=LONG_AGO)
    return MetricDefinition(ConnectorMetric.objects.get(page__remote_id=page.public_id).pk, measure)
