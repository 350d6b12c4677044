"""A new maintenance, and the next update of one."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django import forms

from apps.core.adminkit.times import PageTimeField
from apps.core.unfold import Select, Switch, TextInput
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
from apps.incidents.models import Draft, IncidentTemplate, Maintenance, MaintenanceStatus
from apps.incidents.transitions import CANCELLED, MAINTENANCE_MOVES
from apps.pages.models import Page
from apps.pages.status import ComponentStatus

COVERED = ComponentStatus.UNDER_MAINTENANCE.value
TIMES = ("scheduled_for", "scheduled_until")
SWITCHES = ("starts_itself", "ends_itself", "deliver_notifications")


class AnnounceForm(ComposeForm):
    """A maintenance with its announcement."""

    name = forms.CharField(
        max_length=255,
        widget=TextInput,
        help_text="What readers see first, such as: Upgrade of the database.",
    )
    starts_itself = forms.BooleanField(
        label="Starts by itself",
        required=False,
        initial=True,
        widget=Switch,
        help_text="Goes to In progress at the start, without anybody's doing.",
    )
    ends_itself = forms.BooleanField(
        label="Ends by itself",
        required=False,
        initial=True,
        widget=Switch,
        help_text="Goes to Completed at the end, without anybody's doing.",
    )

    def clean(self) -> dict[str, Any]:
        data = super().clean()
        begins, ends = (data.get(name) for name in TIMES)
        if begins and ends and ends <= begins:
            self.add_error("scheduled_until", "The end must be after the start.")
        return data


class UpdateForm(ComposeForm):
    """The next update of a maintenance."""

    stays_automated = forms.BooleanField(
        label="Goes on by itself",
        required=False,
        initial=True,
        widget=Switch,
        help_text="Whether it still ends by itself, if so set, after you give it another status here.",
    )


class NewMaintenance(Composer):
    """A whole maintenance with its announcement."""

    kind = Draft.Kind.ANNOUNCE
    template_kind = IncidentTemplate.Kind.MAINTENANCE
    verb = "Announce maintenance"
    text = (
        "Readers see the announcement. From its start to its end the chosen components are under maintenance, and "
        "what their monitors say is set aside."
    )
    legend = "Components that it covers"
    said_text = "Choose “Under maintenance” for each."

    def __init__(self, page: Page) -> None:
        super().__init__(page, None)
        self.affected: dict[int, str] = {}
        self.components = offered(page.pk, ())
        self.title = f"New maintenance on {page}"

    def form_class(self, template: IncidentTemplate | None) -> type[ComposeForm]:
        zone = self.page.time_zone
        texts = (template.title, template.message) if template else ()
        variables = using.variable_fields(template, *texts)
        said = component_fields(self.components, [(COVERED, "Under maintenance")])
        times: dict[str, forms.Field] = {
            name: PageTimeField(label=label, zone=zone, help_text=f"On the wall clock of {zone}.")
            for name, label in zip(TIMES, ("Starts at", "Ends at"), strict=True)
        }
        order = ["name", *TIMES, "message", *variables, *said]
        return made(
            AnnounceForm,
            self.page,
            [*order, "publish_at", *SWITCHES],
            **times,
            **variables,
            **said,
            publish_at=later(zone),
            deliver_notifications=notify(),
        )

    def initial(self, template: IncidentTemplate | None) -> dict[str, Any]:
        if template is None:
            return {}
        here = {row.pk: row.public_id for row in self.components}
        named = template.components.values_list("pk", flat=True)
        return {
            "name": template.title,
            "message": template.message,
            "deliver_notifications": template.deliver_notifications,
            **initial_of({here[pk]: COVERED for pk in named if pk in here}, self.components),
        }

    def initial_of(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        given = {name: asked[name] for name in ("name", "message", *SWITCHES) if name in asked}
        times = {name: datetime.fromisoformat(asked[name]) for name in TIMES if asked.get(name)}
        return given | times | initial_of(asked.get("components", {}), self.components)

    def asked(self, data: Mapping[str, Any], *, at: datetime) -> dict[str, Any]:
        said = said_in(data, self.components)
        # An announcement speaks of the day on which it begins.
        when = data["scheduled_for"]
        name, message = self.filled(data, self.keys_of(said), at=when)
        return {
            "name": name,
            "message": message,
            **{name: data[name].isoformat() for name in TIMES},
            "components": said,
            **{name: data[name] for name in SWITCHES},
        }


class MaintenanceUpdate(Composer):
    """The next update of a maintenance, with the steps that it may take."""

    kind = Draft.Kind.POST_MAINTENANCE
    template_kind = IncidentTemplate.Kind.MAINTENANCE
    verb = "Post update"
    text = "While it is in progress or being verified, its components are under maintenance."

    def __init__(self, maintenance: Maintenance) -> None:
        super().__init__(maintenance.page, maintenance)
        self.maintenance = maintenance
        self.affected = affected_of(maintenance)
        found = offered(maintenance.page_id, self.affected)
        self.components = [] if maintenance.is_cancelled else found
        self.title = f"Post an update to {maintenance}"

    def form_class(self, template: IncidentTemplate | None) -> type[ComposeForm]:
        row = self.maintenance
        standing = CANCELLED if row.is_cancelled else row.status
        steps = MAINTENANCE_MOVES["person", standing] - {row.status}
        choices = [("", f"No change (now: {row.get_status_display()})")]
        choices += [(one.value, str(one.label)) for one in MaintenanceStatus if one in steps]
        variables = using.variable_fields(template, template.message if template else "")
        said = component_fields(
            self.components,
            [
                (COVERED, "Under maintenance"),
                (ComponentStatus.OPERATIONAL.value, "Operational: the work is done there"),
            ],
        )
        order = ["status", "message", *variables, *said, "publish_at", "stays_automated"]
        return made(
            UpdateForm,
            self.page,
            [*order, "deliver_notifications"],
            self.affected,
            status=forms.ChoiceField(required=False, choices=choices, widget=Select),
            **variables,
            **said,
            publish_at=later(self.page.time_zone),
            deliver_notifications=notify(),
        )

    def initial(self, template: IncidentTemplate | None) -> dict[str, Any]:
        if template is None:
            return {}
        here = {row.pk: row.public_id for row in self.components}
        named = template.components.values_list("pk", flat=True)
        said = {here[pk]: template.component_status for pk in named if pk in here}
        return self.fitting(
            {
                "status": template.update_status,
                "message": template.message,
                "deliver_notifications": template.deliver_notifications,
                **initial_of(said, self.components),
            }
        )

    def initial_of(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        fields = ("status", "message", "stays_automated", "deliver_notifications")
        given = {name: asked[name] for name in fields if name in asked}
        return self.fitting(given | initial_of(asked.get("components", {}), self.components))

    def fitting(self, initial: dict[str, Any]) -> dict[str, Any]:
        """Return of the given values those that can be said now: it may have moved since."""
        fields = self.form_class(None).base_fields
        return {
            name: value
            for name, value in initial.items()
            if not isinstance(fields.get(name), forms.ChoiceField)
            or fields[name].valid_value(value)  # type: ignore[attr-defined]  # each is a ChoiceField
        }

    def asked(self, data: Mapping[str, Any], *, at: datetime) -> dict[str, Any]:
        said = said_in(data, self.components)
        named = self.keys_of(said) or list(self.affected)
        _, message = self.filled(data, named, at=at)
        return {
            "status": data["status"],
            "message": message,
            "components": said,
            "stays_automated": data["stays_automated"],
            "deliver_notifications": data["deliver_notifications"],
        }
