"""What there is around a draft: its monitor, page and components as they are now. Read only, in a fixed number of queries."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Q

from apps.integrations.changes import SaidWord
from apps.integrations.models import (
    ComponentLink,
    Connector,
    ConnectorComponent,
    ConnectorMetric,
    ConnectorPage,
    IncidentRule,
)
from apps.integrations.planner import IntegrationView, LinkView, RuleView
from apps.integrations.planning.streams import LABEL_LENGTH
from apps.integrations.preview.draft import Draft
from apps.integrations.rehearsal import Around, Rehearsal, rehearse
from apps.monitors.models import Monitor, Outage
from apps.pages.audience import told_of_incident
from apps.pages.models import Component
from apps.pages.status import ComponentStatus
from apps.publishing.models import Publication

UNSEEN = "a monitor of another workspace"
NEW = "new"
"""Stands for the key of a row that is not saved yet."""


@dataclass(frozen=True, slots=True)
class MonitorFacts:
    """`locations` is how many places it runs at; `failing_since` the opening of its outage (UTC), if one is open."""

    name: str
    failure_threshold: int
    recovery_threshold: int
    quorum: int
    locations: int
    is_paused: bool = False
    is_archived: bool = False
    failing_since: datetime | None = None


@dataclass(frozen=True, slots=True)
class PageFacts:
    """`is_published`: readers can see it (True where nobody here can know)."""

    name: str
    key: str
    is_local: bool
    is_published: bool = True
    is_archived: bool = False


@dataclass(frozen=True, slots=True)
class ComponentFacts:
    """`others` are the integrations that link it besides this one, "" for one that the reader may not see. `is_gone`: its page has it no more; `is_elsewhere`:
    it is on another page now.
    """

    name: str
    key: str
    remote_id: str
    stream: str
    is_hidden: bool = False
    is_covered: bool = False
    is_gone: bool = False
    is_elsewhere: bool = False
    others: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Scene:
    """A draft and what there is around it. `twins` are the monitor's other integrations that create incidents there.

    `told` is how many people would be told of the incident, None where nothing writes to anybody.
    """

    draft: Draft
    monitor: MonitorFacts | None = None
    page: PageFacts | None = None
    components: Mapping[int, ComponentFacts] | None = None
    metric: str | None = None
    twins: tuple[str, ...] = ()
    told: int | None = None
    keys: Mapping[int, str] | None = None
    rule_key: str = NEW
    words: Mapping[int, tuple[SaidWord, ...]] | None = None

    def component(self, component_id: int) -> ComponentFacts | None:
        """Return the component, if it is there."""
        return (self.components or {}).get(component_id)

    def rehearse(self, *, fails_at: datetime, recovers_at: datetime) -> Rehearsal:
        """Return what the draft would send if its monitor failed and recovered at these times."""
        known = self.components or {}
        links = self.view().links
        return rehearse(
            self.view(),
            Around(
                keys={link.id: (self.keys or {}).get(link.component_id, NEW) for link in links},
                streams={pk: facts.stream for pk, facts in known.items()},
                words=self.words or {},
                label=f"{self.monitor.name if self.monitor else ''} ({self.draft.nickname})"[
                    :LABEL_LENGTH
                ],
            ),
            fails_at=fails_at,
            recovers_at=recovers_at,
        )

    def view(self) -> IntegrationView:
        """Return the draft as the planner sees it. What is not chosen yet, or is gone, is left out."""
        draft, known = self.draft, self.components or {}
        rule = draft.create_incident
        return IntegrationView(
            id=draft.integration_id or 0,
            monitor_id=draft.monitor_id or 0,
            page_id=draft.page_id or 0,
            page_key=self.page.key if self.page else NEW,
            links=tuple(
                LinkView(
                    id=number,
                    component_id=link.component_id,
                    remote_id=known[link.component_id].remote_id,
                    success_status=link.success_status,
                    failure_status=link.failure_status,
                    is_reachable=not known[link.component_id].is_gone,
                    is_on_page=not known[link.component_id].is_elsewhere,
                    is_covered=known[link.component_id].is_covered,
                )
                for number, link in enumerate(draft.link_components or ())
                if link.component_id in known
            ),
            rule=RuleView(
                id=0,
                key=self.rule_key,
                name=rule.name,
                status=rule.status,
                impact=rule.impact,
                message=rule.message,
                resolved_message=rule.resolved_message,
            )
            if rule
            else None,
            page_is_live=self.page is not None and not self.page.is_archived,
            speaks_unasked=self.page is not None and self.page.is_local,
        )


def scene_of(draft: Draft, *, seen: Collection[int] | None = None) -> Scene:
    """Read what there is around the draft (at most ten queries).

    `seen` are the keys of the workspaces whose names the reader may know; None: of all.
    """
    page = (
        ConnectorPage.objects.filter(pk=draft.page_id).select_related("connector").first()
        if draft.page_id
        else None
    )
    links = draft.link_components or ()
    ids = [link.component_id for link in links]
    components = _components(draft, page, ids, seen) if ids and page else {}
    listed = [one.remote_id for one in components.values() if not (one.is_gone or one.is_elsewhere)]
    with_incident = page is not None and draft.create_incident is not None
    held = (
        ComponentLink.objects.filter(integration=draft.integration_id, archived_at__isnull=True)
        if draft.integration_id and ids
        else ComponentLink.objects.none()
    )
    rule_key = (
        IncidentRule.objects.filter(integration=draft.integration_id)
        .values_list("public_id", flat=True)
        .first()
        if draft.integration_id and with_incident
        else None
    )
    return Scene(
        draft=draft,
        monitor=_monitor(draft.monitor_id) if draft.monitor_id else None,
        page=_page(page) if page else None,
        components=components,
        metric=_metric(draft, page),
        twins=_twins(draft) if with_incident else (),
        told=told_of_incident(page.remote_id, listed) if page and with_incident else None,
        keys=dict(held.values_list("component_id", "public_id")),
        rule_key=rule_key or NEW,
        words=_words(draft, ids, seen) if components else {},
    )


def _monitor(monitor_id: int) -> MonitorFacts | None:
    placed = Q(schedules__removed_at__isnull=True)
    row = (
        Monitor.objects.filter(pk=monitor_id)
        .annotate(places=Count("schedules", filter=placed))
        .first()
    )
    if row is None:
        return None
    outage = Outage.objects.open().filter(monitor=row).values_list("opened_at", flat=True).first()
    return MonitorFacts(
        name=row.name,
        failure_threshold=row.failure_threshold,
        recovery_threshold=row.recovery_threshold,
        quorum=row.quorum,
        locations=row.places,
        is_paused=not row.enabled,
        is_archived=row.is_archived,
        failing_since=outage,
    )


def _page(page: ConnectorPage) -> PageFacts:
    is_local = page.connector.provider == Connector.Provider.NATIVE
    return PageFacts(
        name=page.name,
        key=page.public_id,
        is_local=is_local,
        is_published=not is_local
        or Publication.objects.filter(
            page__public_id=page.remote_id, published_at__isnull=False
        ).exists(),
        is_archived=page.is_archived,
    )


def _components(
    draft: Draft, page: ConnectorPage, ids: Collection[int], seen: Collection[int] | None
) -> dict[int, ComponentFacts]:
    rows = list(ConnectorComponent.objects.filter(pk__in=ids))
    is_local = page.connector.provider == Connector.Provider.NATIVE
    ours = (
        {
            public_id: (hidden, status)
            for public_id, hidden, status in Component.objects.filter(
                public_id__in=[row.remote_id for row in rows]
            ).values_list("public_id", "hidden", "status")
        }
        if is_local
        else {}
    )
    others: dict[int, list[str]] = {}
    links = (
        ComponentLink.objects.filter(
            component_id__in=ids,
            archived_at__isnull=True,
            integration__enabled=True,
            integration__archived_at__isnull=True,
        )
        .exclude(integration=draft.integration_id)
        .order_by("integration__nickname", "pk")
    )
    for component_id, nickname, workspace_id in links.values_list(
        "component_id", "integration__nickname", "integration__workspace"
    ):
        is_seen = seen is None or workspace_id in seen
        others.setdefault(component_id, []).append(nickname if is_seen else "")
    nothing = (False, "")
    return {
        row.pk: ComponentFacts(
            name=str(row),
            key=row.public_id,
            remote_id=row.remote_id,
            stream=f"component:{page.connector.public_id}:{row.public_id}",
            is_hidden=ours.get(row.remote_id, nothing)[0],
            is_covered=ours.get(row.remote_id, nothing)[1] == ComponentStatus.UNDER_MAINTENANCE,
            is_gone=row.is_archived,
            is_elsewhere=row.page_id != page.pk,
            others=tuple(others.get(row.pk, ())),
        )
        for row in rows
    }


def _metric(draft: Draft, page: ConnectorPage | None) -> str | None:
    if not (draft.with_metric and draft.metric_id and page):
        return None
    row = ConnectorMetric.objects.live().filter(pk=draft.metric_id, page=page).first()
    return str(row) if row else None


def _twins(draft: Draft) -> tuple[str, ...]:
    rules = IncidentRule.objects.filter(
        enabled=True,
        integration__monitor=draft.monitor_id,
        integration__page=draft.page_id,
        integration__enabled=True,
        integration__archived_at__isnull=True,
    ).exclude(integration=draft.integration_id)
    return tuple(
        rules.order_by("integration__nickname").values_list("integration__nickname", flat=True)
    )


def _words(
    draft: Draft, ids: Collection[int], seen: Collection[int] | None
) -> dict[int, tuple[SaidWord, ...]]:
    words: dict[int, list[SaidWord]] = {}
    links = (
        ComponentLink.objects.filter(component_id__in=ids)
        .exclude(said_status="")
        .exclude(integration=draft.integration_id)
        .select_related("integration__monitor")
        .order_by("public_id")
    )
    for link in links:
        assert link.said_at is not None  # set with said_status
        is_seen = seen is None or link.integration.workspace_id in seen
        label = f"{link.integration.monitor.name} ({link.integration.nickname})"[:LABEL_LENGTH]
        word = SaidWord(
            link.public_id, label if is_seen else UNSEEN, link.said_status, link.said_at
        )
        words.setdefault(link.component_id, []).append(word)
    return {component_id: tuple(held) for component_id, held in words.items()}
