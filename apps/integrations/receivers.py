"""What the apps below tell the integrations. Statements are constant per batch, whatever its size."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db import connections
from django.db.models import OuterRef, Subquery
from django.db.models.signals import post_migrate, pre_migrate
from django.dispatch import receiver
from django.utils import timezone

from apps.accounts.models import Workspace
from apps.accounts.signals import workspaces_archived
from apps.core.actors import Actor
from apps.core.among import among
from apps.core.errors import Invalid
from apps.integrations import belonging
from apps.integrations.gaps import write_gaps
from apps.integrations.mirror import mirror_catalogue, mirror_native, native_connector
from apps.integrations.models import Connector, Integration, MetricRule
from apps.integrations.planning import ask, plan_integrations, plan_outages
from apps.integrations.providers import provider_of
from apps.integrations.providers.base import Account
from apps.integrations.services import archive_integration
from apps.monitors.models import Monitor, Outage
from apps.monitors.recording import RecordedRun
from apps.monitors.signals import (
    measurements_missed,
    monitor_moved,
    monitors_removed,
    outages_changed,
    runs_recorded,
)
from apps.monitors.stretches import Unmeasured
from apps.pages.models import Component, Metric, Page
from apps.pages.services import Point, write_points
from apps.pages.signals import catalogue_changed, statuses_changed
from apps.pages.status import ComponentStatus


@receiver(workspaces_archived, dispatch_uid="integrations.workspaces_archived")
def archive_integrations(
    *, workspaces: list[Workspace], actor: Actor, at: datetime, **_: Any
) -> None:
    """Archive the integrations of archived workspaces."""
    integrations = Integration.objects.live().filter(workspace__in=workspaces).order_by("pk")
    for integration_id in list(integrations.values_list("pk", flat=True)):
        archive_integration(integration_id=integration_id, actor=actor, at=at)


@receiver(outages_changed, dispatch_uid="integrations.outages_changed")
def tell_pages(*, opened: list[Outage], closed: list[Outage], **_: Any) -> None:
    """Write what outages mean on the pages."""
    plan_outages(opened=opened, closed=closed)


@receiver(measurements_missed, dispatch_uid="integrations.measurements_missed")
def leave_gaps(*, missed: list[Unmeasured], **_: Any) -> None:
    """Leave gaps in the components that nobody else measured meanwhile."""
    write_gaps(missed=missed)


@receiver(monitor_moved, dispatch_uid="integrations.monitor_moved")
def keep_with_integrations(*, monitor: Monitor, **_: Any) -> None:
    """Refuse to move a monitor away from the integrations that use it: they are of its workspace."""
    elsewhere = Integration.objects.live().filter(monitor=monitor)
    left = elsewhere.exclude(workspace=monitor.workspace_id).order_by("nickname", "pk").first()
    if left is not None:
        raise Invalid(
            "invalid",
            f"The integration {left} uses this monitor and belongs to its workspace."
            " Archive it first, or make another monitor there.",
            field="workspace",
        )


@receiver(monitors_removed, dispatch_uid="integrations.monitors_removed")
def withdraw_removed(*, monitors: list[Monitor], at: datetime, **_: Any) -> None:
    """Withdraw what the removed monitors' links say."""
    integrations = Integration.objects.filter(
        monitor__in=[monitor.pk for monitor in monitors], archived_at__isnull=True
    )
    plan_integrations(integration_ids=list(integrations.values_list("pk", flat=True)), at=at)


@receiver(runs_recorded, dispatch_uid="integrations.runs_recorded")
def send_metrics(*, runs: list[RecordedRun], **_: Any) -> None:
    """Write the runs' points to metrics of our own pages: one query and one insertion a batch."""
    metric = Metric.objects.filter(
        public_id=OuterRef("metric__remote_id"), archived_at__isnull=True
    )
    rules = MetricRule.objects.filter(
        enabled=True,
        integration__enabled=True,
        integration__archived_at__isnull=True,
        integration__connector__provider=Connector.Provider.NATIVE,
        integration__monitor__in=among({run.monitor_id for run in runs}),
        metric__archived_at__isnull=True,
    ).values_list("integration__monitor_id", "public_id", "measure", Subquery(metric.values("pk")))
    rules_of: dict[int, list[tuple[str, str, int]]] = {}
    for monitor_id, key, measure, metric_id in rules:
        if metric_id is not None:
            rules_of.setdefault(monitor_id, []).append((key, measure, metric_id))
    points = [
        Point(metric_id=metric_id, at=run.started_at, source=key, value=value)
        for run in runs
        for key, measure, metric_id in rules_of.get(run.monitor_id, ())
        if (value := _measured(run, measure)) is not None
    ]
    if points:
        write_points(points=points)


def _measured(run: RecordedRun, measure: str) -> float | None:
    """Return the measure of a run; nothing of one that the platform could not execute."""
    if run.result == "error":
        return None
    if measure == MetricRule.Measure.PASSED:
        return 1.0 if run.result == "passed" else 0.0
    value = (
        run.slowest_request_ms
        if measure == MetricRule.Measure.SLOWEST_REQUEST_MS
        else run.response_time_ms
    )
    return None if value is None else float(value)


@receiver(catalogue_changed, dispatch_uid="integrations.catalogue_changed")
def mirror(
    *,
    pages: Sequence[Page],
    components: Sequence[Component],
    metrics: Sequence[Metric],
    at: datetime,
    **_: Any,
) -> None:
    """Keep the native connector's mirror; what is said of a component that is back is asked for."""
    back = mirror_native(pages=pages, components=components, metrics=metrics, at=at)
    if back:
        ask(integration_ids=_linking(component_links__component__in=back), at=at)


@receiver(statuses_changed, dispatch_uid="integrations.statuses_changed")
def open_deferred(
    *, components: Sequence[Component], before: Mapping[int, str], at: datetime, **_: Any
) -> None:
    """Ask for the incidents that waited for a maintenance to end."""
    freed = [
        component.public_id
        for component in components
        if before[component.pk] == ComponentStatus.UNDER_MAINTENANCE
    ]
    if freed:
        deferring = _linking(
            component_links__component__remote_id__in=freed,
            connector__provider=Connector.Provider.NATIVE,
            incident_rule__enabled=True,
        )
        ask(integration_ids=deferring, at=at)


def _linking(**which: Any) -> set[int]:
    """Return the ids of the acting integrations with a live link that is one of these."""
    acting = Integration.objects.filter(
        archived_at__isnull=True,
        enabled=True,
        component_links__archived_at__isnull=True,
        **which,
    )
    return set(acting.values_list("pk", flat=True))


def prepare_tables(*, using: str, **_: Any) -> None:
    """Make the triggers and the native connector, bring its mirror up to date; runs after migrate and a test's flush."""
    if Connector._meta.db_table not in connections[using].introspection.table_names():
        return
    belonging.install(using=using)
    found = Connector.objects.using(using).filter(
        name=Connector.NATIVE_NAME, archived_at__isnull=True
    )
    if not found.exists():
        Connector.objects.using(using).create(
            name=Connector.NATIVE_NAME, provider=Connector.Provider.NATIVE
        )
    if using == "default":
        pages = provider_of(Connector.Provider.NATIVE).catalogue(Account())
        mirror_catalogue(connector=native_connector(), pages=pages, at=timezone.now())


def connect(sender: Any) -> None:
    """Listen to the beginning and the end of this app's migrations."""
    pre_migrate.connect(belonging.make_way, sender=sender, dispatch_uid="integrations.make_way")
    post_migrate.connect(prepare_tables, sender=sender, dispatch_uid="integrations.prepare_tables")
