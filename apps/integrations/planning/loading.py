"""Read what the pure planner needs, in a fixed number of statements."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from django.core.exceptions import ObjectDoesNotExist
from django.db.models import Q, QuerySet

from apps.integrations.models import (
    ComponentLink,
    Connector,
    DeliveryStream,
    IncidentRule,
    Integration,
)
from apps.integrations.planner import IntegrationView, LinkView, OutageView, RuleView, StreamView
from apps.integrations.planning.streams import first_changes
from apps.monitors.models import Outage
from apps.pages.models import Component
from apps.pages.status import ComponentStatus

NATIVE = Connector.Provider.NATIVE.value


@dataclass(frozen=True, slots=True)
class Loaded:
    """One integration with what the planner sees of it."""

    row: Integration
    view: IntegrationView


def speaking_links(integration_ids: Collection[int]) -> QuerySet[ComponentLink]:
    """Return the links that are on, and those taken off whose word still stands."""
    return ComponentLink.objects.filter(integration_id__in=integration_ids).filter(
        Q(archived_at__isnull=True) | ~Q(said_status="")
    )


def load(integrations: Sequence[Integration], *, may_open: bool) -> list[Loaded]:
    """Return the integrations (with monitor, connector, page and rule) as the planner sees them.

    `may_open`: an incident may be opened, so the coverage of native components is read, and the covered ones are
    locked, after all streams: a maintenance that ends just now either is seen here, or sees these integrations and
    asks for a new plan (asked.py), also where they are being created.
    """
    links: dict[int, list[ComponentLink]] = {row.pk: [] for row in integrations}
    for link in speaking_links(list(links)).select_related("component").order_by("pk"):
        links[link.integration_id].append(link)
    covered = _covered(integrations, links) if may_open else frozenset()
    return [Loaded(row, _view(row, links[row.pk], covered)) for row in integrations]


def _covered(
    integrations: Iterable[Integration], links: dict[int, list[ComponentLink]]
) -> frozenset[str]:
    remote_ids = {
        link.component.remote_id
        for row in integrations
        if row.connector.provider == NATIVE and rule_of(row) is not None
        for link in links[row.pk]
    }
    if not remote_ids:
        return frozenset()
    return frozenset(
        Component.objects.filter(public_id__in=remote_ids, status=ComponentStatus.UNDER_MAINTENANCE)
        .order_by("pk")
        .select_for_update(no_key=True)
        .values_list("public_id", flat=True)
    )


def rule_of(integration: Integration) -> IncidentRule | None:
    """Return the integration's rule, on or off, if it ever had one."""
    try:
        return integration.incident_rule
    except ObjectDoesNotExist:
        return None


def _view(
    row: Integration, links: Sequence[ComponentLink], covered: frozenset[str]
) -> IntegrationView:
    rule = rule_of(row)
    is_native = row.connector.provider == NATIVE
    return IntegrationView(
        id=row.pk,
        monitor_id=row.monitor_id,
        page_id=row.page_id,
        page_key=row.page.public_id,
        links=tuple(
            LinkView(
                id=link.pk,
                component_id=link.component_id,
                remote_id=link.component.remote_id,
                success_status=link.success_status,
                failure_status=link.failure_status,
                said_status=link.said_status,
                is_live=link.archived_at is None,
                is_reachable=not link.component.is_archived,
                is_on_page=link.component.page_id == row.page_id,
                is_covered=is_native and link.component.remote_id in covered,
            )
            for link in links
        ),
        rule=RuleView(
            id=rule.pk,
            key=rule.public_id,
            name=rule.name,
            status=rule.status,
            impact=rule.impact,
            message=rule.message,
            resolved_message=rule.resolved_message,
            enabled=rule.enabled,
        )
        if rule
        else None,
        acts=row.enabled
        and not row.is_archived
        and not row.monitor.is_archived
        and not row.connector.is_archived,
        page_is_live=not row.page.is_archived,
        speaks_unasked=is_native,
    )


def outage_view(outage: Outage) -> OutageView:
    """Return the outage as the planner sees it."""
    return OutageView(
        id=outage.pk,
        key=outage.public_id,
        was_removed=outage.close_reason == Outage.CloseReason.REMOVED,
    )


def incident_streams(
    rule_ids: Collection[int], *, closed_ids: Collection[int]
) -> dict[int, list[tuple[DeliveryStream, StreamView]]]:
    """Return {rule id: [(locked stream, its view)]} of incidents whose outage is open or in `closed_ids`."""
    rows = list(
        DeliveryStream.objects.filter(kind=DeliveryStream.Kind.INCIDENT, rule_id__in=rule_ids)
        .filter(Q(outage__closed_at__isnull=True) | Q(outage_id__in=closed_ids))
        .select_related("outage")
        .order_by("pk")
        .select_for_update(of=("self",), no_key=True)
    )
    first = (
        first_changes([row.pk for row in rows if row.outage_id in closed_ids]) if closed_ids else {}
    )
    found: dict[int, list[tuple[DeliveryStream, StreamView]]] = {}
    for row in rows:
        # An incident's stream has its rule and outage.
        assert row.rule_id is not None
        assert row.outage is not None
        listed = first.get(row.pk, {}).get("components", {})
        view = StreamView(
            id=row.pk,
            outage_id=row.outage.pk,
            monitor_id=row.outage.monitor_id,
            page_id=row.page_id,
            key=row.key,
            is_abandoned=row.abandoned_at is not None,
            listed=tuple(listed) if isinstance(listed, dict) else (),
        )
        found.setdefault(row.rule_id, []).append((row, view))
    return found
