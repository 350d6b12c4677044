"""Changes of integrations. Each writes at once what brings the page to the integration's new wish.

The monitor's state is locked before its outage is looked at: one that is opened or closed just now is
either seen here, or sees what is written here.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from django.db import transaction

from apps.core.actors import Actor
from apps.core.audit import changes_between, record
from apps.core.editing import archive_row, live_row
from apps.integrations.belonging import refusals_named
from apps.integrations.definition import IntegrationDefinition
from apps.integrations.models import ComponentLink, IncidentRule, Integration, MetricRule
from apps.integrations.planning import plan_integrations
from apps.integrations.selectors import definition_of, described
from apps.integrations.services.checks import Checked, checked
from apps.monitors.services.outages import lock_states


@transaction.atomic
def create_integration(
    *, definition: IntegrationDefinition, actor: Actor, at: datetime
) -> Integration:
    """Create an integration; during an outage of its monitor it acts at once. Invalid lists every fault."""
    rows = checked(definition, Integration(created_at=at, updated_at=at))
    lock_states([definition.monitor_id])
    _save(rows, at)
    _audit(rows.integration, {}, "integration.created", actor, at)
    plan_integrations(integration_ids=[rows.integration.pk], at=at)
    return rows.integration


@transaction.atomic
def update_integration(
    *, integration_id: int, definition: IntegrationDefinition, actor: Actor, at: datetime
) -> Integration:
    """Make the integration what the definition says; nothing is written when it is that already.

    What it no longer speaks of is withdrawn, and an open incident that it no longer tends is left to staff.
    """
    integration = live_row(Integration, integration_id, lock=True)
    before = definition_of(integration)
    if _ordered(definition) == _ordered(before):
        return integration
    described_before = described(before)
    rows = checked(definition, integration)
    lock_states({before.monitor_id, definition.monitor_id})
    rows.integration.updated_at = at
    _save(rows, at)
    _audit(rows.integration, described_before, "integration.updated", actor, at)
    plan_integrations(integration_ids=[integration.pk], at=at)
    return rows.integration


@transaction.atomic
def set_enabled(*, integration_id: int, enabled: bool, actor: Actor, at: datetime) -> Integration:
    """Enable or disable. Disabled, its words are withdrawn and its open incident is left to staff."""
    integration = live_row(Integration, integration_id, lock=True)
    if integration.enabled == enabled:
        return integration
    lock_states([integration.monitor_id])
    integration.enabled, integration.updated_at = enabled, at
    integration.save(update_fields=["enabled", "updated_at"])
    if not actor.is_automation:
        action = "integration.enabled" if enabled else "integration.disabled"
        changes = {"enabled": [not enabled, enabled]}
        record(actor=actor, at=at, action=action, row=integration, changes=changes)
    plan_integrations(integration_ids=[integration.pk], at=at)
    return integration


@transaction.atomic
def archive_integration(*, integration_id: int, actor: Actor, at: datetime) -> Integration:
    """Remove an integration: as disabling it, for good. Its history stays."""
    integration = live_row(Integration, integration_id, lock=True)
    lock_states([integration.monitor_id])
    archive_row(integration, action="integration.archived", actor=actor, at=at)
    plan_integrations(integration_ids=[integration.pk], at=at)
    return integration


def _ordered(definition: IntegrationDefinition) -> IntegrationDefinition:
    """The links have no order, so two definitions are compared with theirs sorted."""
    links = sorted(definition.link_components, key=lambda link: link.component_id)
    return replace(definition, link_components=tuple(links))


def _save(rows: Checked, at: datetime) -> None:
    """Write the integration, then its actions, which the database compares with it.

    What moved since it was checked is refused at its field, too.
    """
    with refusals_named():
        rows.integration.save()
    _save_links(rows, at)
    _save_rule(rows, at)
    with refusals_named("send_metric"):
        _save_metric(rows, at)


def _save_links(rows: Checked, at: datetime) -> None:
    held = {
        link.component_id: link
        for link in rows.integration.component_links.filter(archived_at__isnull=True)
    }
    wanted = {link.component_id for link in rows.links}
    ComponentLink.objects.filter(
        pk__in=[link.pk for component_id, link in held.items() if component_id not in wanted]
    ).update(archived_at=at, updated_at=at)
    for index, link in enumerate(rows.links):
        row = held.get(link.component_id)
        if row is None:
            with refusals_named(f"link_components[{index}]"):
                ComponentLink.objects.create(
                    integration=rows.integration,
                    component_id=link.component_id,
                    success_status=link.success_status,
                    failure_status=link.failure_status,
                    created_at=at,
                    updated_at=at,
                )
        elif (row.success_status, row.failure_status) != (link.success_status, link.failure_status):
            row.success_status, row.failure_status = link.success_status, link.failure_status
            row.updated_at = at
            row.save(update_fields=["success_status", "failure_status", "updated_at"])


def _save_rule(rows: Checked, at: datetime) -> None:
    held = IncidentRule.objects.filter(integration=rows.integration)
    wanted = rows.incident
    if wanted is None:
        held.filter(enabled=True).update(enabled=False, updated_at=at)
        return
    values = {
        "enabled": True,
        "name": wanted.name,
        "status": wanted.status,
        "impact": wanted.impact,
        "message": wanted.message,
        "resolved_message": wanted.resolved_message,
        "updated_at": at,
    }
    if not held.update(**values):
        IncidentRule.objects.create(integration=rows.integration, created_at=at, **values)


def _save_metric(rows: Checked, at: datetime) -> None:
    held = MetricRule.objects.filter(integration=rows.integration)
    wanted = rows.metric
    if wanted is None:
        held.filter(enabled=True).update(enabled=False, updated_at=at)
        return
    values = {
        "enabled": True,
        "metric_id": wanted.metric_id,
        "measure": wanted.measure,
        "updated_at": at,
    }
    if not held.update(**values):
        MetricRule.objects.create(integration=rows.integration, created_at=at, **values)


def _audit(
    integration: Integration,
    before: dict[str, object],
    action: str,
    actor: Actor,
    at: datetime,
) -> None:
    if actor.is_automation:
        return
    integration = Integration.objects.get(pk=integration.pk)
    after = described(definition_of(integration))
    record(
        actor=actor,
        at=at,
        action=action,
        row=integration,
        changes=changes_between(before, after),
    )
