"""This platform's own pages as a destination. It calls services, in the transaction of the delivery."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime

from django import forms
from django.db.models import Prefetch

from apps.core.actors import AUTOMATION
from apps.core.errors import DomainError
from apps.incidents.models import Incident
from apps.incidents.services import open_incident, post_update
from apps.integrations.changes import ComponentChange, IncidentChange
from apps.integrations.providers.base import (
    Account,
    Limits,
    ProviderError,
    RemoteItem,
    RemotePage,
)
from apps.pages.contributions import ContributionChange, Word
from apps.pages.models import Component, Metric, Page, StatusContribution
from apps.pages.services import apply_contributions

LINK = StatusContribution.Source.LINK.value


class NoSettings(forms.Form):
    """This platform needs neither key nor address."""


class NativeProvider:
    """Applies changes through the services of pages and incidents, as automation.

    What is gone meanwhile (an archived component, page or incident) needs no change, so it is no error.
    """

    kind = "native"
    label = "This platform"
    is_local = True
    limits = Limits(call_timeout_s=10)
    config_form: type[forms.Form] = NoSettings
    secret_fields: frozenset[str] = frozenset()

    def catalogue(self, account: Account) -> tuple[RemotePage, ...]:
        pages = (
            Page.objects.live()
            .order_by("pk")
            .prefetch_related(
                Prefetch(
                    "components",
                    Component.objects.live().select_related("group").order_by("pk"),
                ),
                Prefetch("metrics", Metric.objects.live().order_by("pk")),
            )
        )
        return tuple(
            RemotePage(
                remote_id=page.public_id,
                name=page.name,
                slug=page.slug,
                components=tuple(
                    RemoteItem(row.public_id, row.name, row.group.name if row.group else "")
                    for row in page.components.all()
                ),
                metrics=tuple(RemoteItem(row.public_id, row.name) for row in page.metrics.all()),
            )
            for page in pages
        )

    def apply_components(
        self,
        account: Account,
        *,
        page_id: str,
        changes: Mapping[str, ComponentChange],
        at: datetime,
    ) -> None:
        components = dict(
            Component.objects.live().filter(public_id__in=changes).values_list("public_id", "pk")
        )
        held: dict[int, list[str]] = {pk: [] for pk in components.values()}
        for component_id, key in StatusContribution.objects.filter(
            component__in=held, source=LINK
        ).values_list("component_id", "key"):
            held[component_id].append(key)
        apply_contributions(
            changes=[
                _contribution(component_id, changes[public_id], held[component_id])
                for public_id, component_id in components.items()
            ],
            actor=AUTOMATION,
            at=at,
        )

    def open_incident(
        self, account: Account, *, page_id: str, change: IncidentChange, at: datetime
    ) -> str:
        page = Page.objects.live().filter(public_id=page_id).first()
        if page is None:
            raise ProviderError("the page was archived")
        try:
            incident, _ = open_incident(
                page_id=page.pk,
                name=change.name,
                status=change.status,
                message=change.message,
                components=_component_ids(page.pk, change.components),
                impact_override=change.impact,
                idempotency_key=change.idempotency_key,
                origin="integration",
                started_at=at,
                actor=AUTOMATION,
                at=at,
            )
        except DomainError as error:
            raise ProviderError(str(error)) from error
        return incident.public_id

    def find_incident(self, account: Account, *, page_id: str, idempotency_key: str) -> str | None:
        return (
            Incident.objects.filter(page__public_id=page_id, idempotency_key=idempotency_key)
            .values_list("public_id", flat=True)
            .first()
        )

    def resolve_incident(
        self,
        account: Account,
        *,
        page_id: str,
        remote_id: str,
        change: IncidentChange,
        at: datetime,
    ) -> None:
        # Locked before it is looked at, so that a person's update or take-over is not overlooked; its page
        # is not locked, since services lock components before pages.
        incident = (
            Incident.objects.live()
            .select_for_update(of=("self",), no_key=True)
            .filter(page__public_id=page_id, public_id=remote_id)
            .first()
        )
        if incident is None or not incident.is_open or incident.taken_over_at is not None:
            return
        try:
            post_update(
                incident_id=incident.pk,
                status=change.status,
                message=change.message,
                components=_component_ids(incident.page_id, change.components),
                actor=AUTOMATION,
                at=at,
            )
        except DomainError as error:
            raise ProviderError(str(error)) from error


def _contribution(
    component_id: int, change: ComponentChange, held: Collection[str]
) -> ContributionChange:
    spoken = {word.key for word in change.words}
    return ContributionChange(
        component_id=component_id,
        source=LINK,
        upsert=tuple(
            Word(key=word.key, status=word.status, since=word.since, label=word.label)
            for word in change.words
        ),
        withdraw=tuple(sorted(set(held) - spoken)),
    )


def _component_ids(page_id: int, components: Mapping[str, str]) -> dict[int, str]:
    """Return {internal id: status} of those that are on the page. The service leaves out what leaves it meanwhile."""
    if not components:
        return {}
    found = (
        Component.objects.live()
        .filter(page_id=page_id, public_id__in=components)
        .values_list("pk", "public_id")
    )
    return {pk: components[public_id] for pk, public_id in found}
