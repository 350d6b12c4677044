"""Templates: kept for a page, and filled in when they are used."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypedDict, Unpack

from django.db import transaction

from apps.core.actors import Actor
from apps.core.audit import record
from apps.core.editing import archive_row, create_row, edit_row, live_row
from apps.core.errors import Invalid
from apps.incidents.filling import built_in, check_syntax, fill
from apps.incidents.models import IncidentStatus, IncidentTemplate, MaintenanceStatus
from apps.pages.models import Component, Page

_STATUSES = {
    IncidentTemplate.Kind.INCIDENT.value: IncidentStatus,
    IncidentTemplate.Kind.MAINTENANCE.value: MaintenanceStatus,
}


class TemplateFields(TypedDict, total=False):
    name: str
    kind: str
    title: str
    message: str
    update_status: str
    impact_override: str
    component_status: str
    deliver_notifications: bool


@transaction.atomic
def create_template(
    *,
    page_id: int,
    component_ids: Collection[int] = (),
    actor: Actor,
    at: datetime,
    **fields: Unpack[TemplateFields],
) -> IncidentTemplate:
    """Create a template of a page. Invalid for a status of another kind, or what is no variable in its texts."""
    template = IncidentTemplate(
        page=live_row(Page, page_id), created_at=at, updated_at=at, **fields
    )
    _check(template)
    components = _on_page(page_id, component_ids)
    create_row(template, action="incidenttemplate.created", actor=actor, at=at)
    template.components.set(components)
    return template


@transaction.atomic
def update_template(
    *,
    template_id: int,
    component_ids: Collection[int] | None = None,
    actor: Actor,
    at: datetime,
    **fields: Unpack[TemplateFields],
) -> IncidentTemplate:
    """Change the given fields. A template stays on its page; incidents made with it stay as they are."""
    template = live_row(IncidentTemplate, template_id, lock=True)
    edit_row(template, fields, action="incidenttemplate.updated", actor=actor, at=at)
    _check(template)
    if component_ids is not None:
        _set_components(template, component_ids, actor, at)
    return template


@transaction.atomic
def archive_template(*, template_id: int, actor: Actor, at: datetime) -> IncidentTemplate:
    """Archive a template: it is offered no more, and its name becomes free."""
    template = live_row(IncidentTemplate, template_id, lock=True)
    archive_row(template, action="incidenttemplate.archived", actor=actor, at=at)
    return template


@dataclass(frozen=True, slots=True)
class Texts:
    """A title and a message, as staff have them before them: the template's, or what they made of it."""

    title: str
    message: str
    values: Mapping[str, str] = field(default_factory=dict)


def fill_texts(
    *, page: Page, component_ids: Collection[int], texts: Texts, at: datetime
) -> tuple[str, str]:
    """Return title and message with every variable's value, `{{date}}` and `{{time}}` at `at` in the page's zone.

    Hidden components are not named to readers. Invalid, naming the variables, when one has no value: nothing is
    ever published raw.
    """
    names = (
        Component.objects.filter(pk__in=component_ids, hidden=False)
        .order_by("position", "name", "pk")
        .values_list("name", flat=True)
    )
    values = {
        **texts.values,
        **built_in(page=page.name, components=names, time_zone=page.time_zone, at=at),
    }
    return fill(texts.title, values, field="name"), fill(texts.message, values, field="message")


def _check(template: IncidentTemplate) -> None:
    check_syntax(template.title, field="title")
    check_syntax(template.message, field="message")
    statuses = _STATUSES.get(template.kind)
    status = template.update_status
    if statuses is not None and status and status not in statuses.values:
        allowed = ", ".join(statuses.values)
        raise Invalid(
            "invalid", f"{status!r} is none of {template.kind}: {allowed}", field="update_status"
        )


def _on_page(page_id: int, component_ids: Collection[int]) -> list[Component]:
    components = list(Component.objects.live().filter(page=page_id, pk__in=component_ids))
    if len(components) != len(set(component_ids)):
        raise Invalid("invalid", "a component is not on the template's page", field="components")
    return components


def _set_components(
    template: IncidentTemplate, component_ids: Collection[int], actor: Actor, at: datetime
) -> None:
    before = {row.pk: row for row in template.components.all()}
    if before.keys() == set(component_ids):
        return
    # One that left the page since may stay on the template: it is not offered there.
    new = _on_page(template.page_id, set(component_ids) - before.keys())
    kept = [row for pk, row in before.items() if pk in component_ids]
    template.components.set([*kept, *new])
    if not actor.is_automation:
        changes = {"components": [_names(before.values()), _names([*kept, *new])]}
        record(actor=actor, at=at, action="incidenttemplate.updated", row=template, changes=changes)


def _names(components: Collection[Component]) -> list[str]:
    return sorted(str(row) for row in components)
