"""A new incident, and the next update of one."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django import forms

from apps.core.adminkit.times import PageTimeField
from apps.core.unfold import Select, TextInput
from apps.incidents.admin import using
from apps.incidents.admin.compose.forms import (
    ComposeForm,
    affected_of,
    component_fields,
    initial_of,
    later,
    made,
    notify,
    offered,
    said_in,
)
from apps.incidents.admin.compose.screen import Composer
from apps.incidents.models import Draft, Impact, Incident, IncidentStatus, IncidentTemplate
from apps.pages.models import Component, Page
from apps.pages.status import ComponentStatus


class NewIncidentForm(ComposeForm):
    """An incident with its first update."""

    name = forms.CharField(
        max_length=255,
        widget=TextInput,
        help_text="What readers see first, such as: Some card payments fail.",
    )
    impact_override = forms.ChoiceField(
        label="Impact",
        required=False,
        choices=[("", "From its components"), *Impact.choices],
        widget=Select,
    )
    status = forms.ChoiceField(
        choices=IncidentStatus.choices, initial=IncidentStatus.INVESTIGATING, widget=Select
    )


class UpdateForm(ComposeForm):
    """The next update."""

    status = forms.ChoiceField(choices=IncidentStatus.choices, widget=Select)


class NewIncident(Composer):
    """A whole incident."""

    kind = Draft.Kind.OPEN_INCIDENT
    template_kind = IncidentTemplate.Kind.INCIDENT
    verb = "Open incident"
    text = "Readers see it with its first update. A status of a component counts from then on."

    def __init__(self, page: Page) -> None:
        super().__init__(page, None)
        self.affected: dict[int, str] = {}
        self.components = offered(page.pk, ())
        self.title = f"New incident on {page}"

    def form_class(self, template: IncidentTemplate | None) -> type[ComposeForm]:
        texts = (template.title, template.message) if template else ()
        variables = using.variable_fields(template, *texts)
        said = component_fields(self.components, ComponentStatus.choices)
        order = ["name", "status", "message", *variables, *said]
        return made(
            NewIncidentForm,
            self.page,
            [*order, "impact_override", "publish_at", "deliver_notifications"],
            **variables,
            **said,
            publish_at=later(self.page.time_zone),
            deliver_notifications=notify(),
        )

    def initial(self, template: IncidentTemplate | None) -> dict[str, Any]:
        if template is None:
            return {}
        return {
            "name": template.title,
            "status": template.update_status or IncidentStatus.INVESTIGATING,
            "message": template.message,
            "impact_override": template.impact_override,
            "deliver_notifications": template.deliver_notifications,
            **_said_by(template, self.components),
        }

    def initial_of(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        fields = ("name", "status", "message", "impact_override", "deliver_notifications")
        given = {name: asked[name] for name in fields if name in asked}
        return given | initial_of(asked.get("components", {}), self.components)

    def asked(self, data: Mapping[str, Any], *, at: datetime) -> dict[str, Any]:
        said = said_in(data, self.components)
        name, message = self.filled(data, self.keys_of(said), at=at)
        return {
            "name": name,
            "status": data["status"],
            "message": message,
            "impact_override": data["impact_override"],
            "components": said,
            "deliver_notifications": data["deliver_notifications"],
        }


class IncidentUpdate(Composer):
    """The next update of an incident."""

    kind = Draft.Kind.POST_UPDATE
    template_kind = IncidentTemplate.Kind.INCIDENT
    verb = "Post update"
    text = (
        "Resolving ends what the incident says about components; any other status reopens a resolved one. "
        "Components that are left at “No change” keep what was said."
    )

    def __init__(self, incident: Incident) -> None:
        super().__init__(incident.page, incident)
        self.incident = incident
        self.affected = affected_of(incident)
        self.components = offered(incident.page_id, self.affected)
        self.title = f"Post an update to {incident}"

    def form_class(self, template: IncidentTemplate | None) -> type[ComposeForm]:
        zone = self.page.time_zone
        variables = using.variable_fields(template, template.message if template else "")
        said = component_fields(self.components, ComponentStatus.choices)
        shown = PageTimeField(
            label="Shown time",
            required=False,
            zone=zone,
            help_text=f"Empty: when it is published. A past time back-dates it for readers. In the page's zone ({zone}).",
        )
        return made(
            UpdateForm,
            self.page,
            [
                "status",
                "message",
                *variables,
                *said,
                "publish_at",
                "display_at",
                "deliver_notifications",
            ],
            self.affected,
            **variables,
            **said,
            publish_at=later(zone),
            display_at=shown,
            deliver_notifications=notify(),
        )

    def initial(self, template: IncidentTemplate | None) -> dict[str, Any]:
        initial: dict[str, Any] = {"status": self.incident.status}
        if template is None:
            return initial
        return initial | {
            "status": template.update_status or self.incident.status,
            "message": template.message,
            "deliver_notifications": template.deliver_notifications,
            **(_said_by(template, self.components) if template.component_status else {}),
        }

    def initial_of(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        fields = ("status", "message", "deliver_notifications")
        given = {name: asked[name] for name in fields if name in asked}
        if asked.get("display_at"):
            given["display_at"] = datetime.fromisoformat(asked["display_at"])
        return given | initial_of(asked.get("components", {}), self.components)

    def asked(self, data: Mapping[str, Any], *, at: datetime) -> dict[str, Any]:
        said = said_in(data, self.components)
        named = self.keys_of(said) or list(self.affected)
        _, message = self.filled(data, named, at=at)
        shown = data["display_at"]
        return {
            "status": data["status"],
            "message": message,
            "components": said,
            "display_at": shown.isoformat() if shown else None,
            "deliver_notifications": data["deliver_notifications"],
        }


def resolution(incident: Incident, message: str, *, deliver_notifications: bool) -> dict[str, Any]:
    """Return what resolving asks for: every component that the incident affects is operational to it."""
    rows = incident.affected.values_list("component__public_id", flat=True)
    return {
        "status": IncidentStatus.RESOLVED.value,
        "message": message,
        "components": dict.fromkeys(rows, ComponentStatus.OPERATIONAL.value),
        "display_at": None,
        "deliver_notifications": deliver_notifications,
    }


def _said_by(template: IncidentTemplate, components: list[Component]) -> dict[str, str]:
    here = {row.pk: row for row in components}
    said = {
        here[pk].public_id: template.component_status or here[pk].status
        for pk in template.components.values_list("pk", flat=True)
        if pk in here
    }
    return initial_of(said, components)
