"""Forms of maintenance."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone

from apps.core.adminkit.times import WallTimeField, at_zone, on_wall
from apps.core.unfold import ModelForm, Select, Switch, Textarea
from apps.incidents.admin.using import demand_values
from apps.incidents.models import Maintenance, MaintenanceStatus, MaintenanceUpdate
from apps.incidents.transitions import CANCELLED, MAINTENANCE_MOVES
from apps.pages.models import Component, Page
from apps.pages.status import ComponentStatus

MARKDOWN = "Markdown. Shown to readers."
IN_PAGES_ZONE = "On the wall clock of the page's time zone."
SWITCHES = {
    "starts_itself": "Starts by itself",
    "ends_itself": "Ends by itself",
    "deliver_notifications": "Notify subscribers",
}
NOTIFIES = {
    "deliver_notifications": "Kept with what it does by itself. Pages have no subscribers yet: nothing is sent.",
}
TIMES = ("scheduled_for", "scheduled_until")


def notify() -> forms.BooleanField:
    return forms.BooleanField(
        label="Notify subscribers",
        required=False,
        initial=True,
        widget=Switch,
        help_text="Kept with the update. Pages have no subscribers yet: nothing is sent.",
    )


def message(help_text: str = MARKDOWN) -> forms.CharField:
    return forms.CharField(required=False, help_text=help_text, widget=Textarea(attrs={"rows": 4}))


class AnnounceForm(ModelForm):
    """A new maintenance with its announcement."""

    message = message("Markdown. The announcement, shown to readers at once.")
    scheduled_for = WallTimeField(label="Starts at", help_text=IN_PAGES_ZONE)
    scheduled_until = WallTimeField(label="Ends at", help_text=IN_PAGES_ZONE)

    class Meta:
        model = Maintenance
        fields = [
            "page",
            "name",
            "scheduled_for",
            "scheduled_until",
            "starts_itself",
            "ends_itself",
            "deliver_notifications",
        ]
        labels = SWITCHES
        help_texts = NOTIFIES

    @staticmethod
    def asking(variables: dict[str, forms.Field]) -> type[AnnounceForm]:
        """Return the form with fields for a template's variables."""
        return type("AnnounceForm", (AnnounceForm,), variables) if variables else AnnounceForm

    def clean(self) -> dict[str, Any]:
        super().clean()
        texts = [self.cleaned_data.get(name) or "" for name in ("name", "message")]
        demand_values(self, self.cleaned_data, texts)
        page = self.cleaned_data.get("page")
        # Without a page the form is refused anyway; the row's own checks want instants all the same.
        _times_in(self, page.time_zone if page else "UTC")
        return self.cleaned_data


class EditForm(ModelForm):
    """What is no update. The page stays; the selects of its components ask for it."""

    page = forms.ModelChoiceField(
        queryset=Page.objects.all(), disabled=True, widget=forms.HiddenInput
    )

    class Meta:
        model = Maintenance
        fields = ["page", "name", "starts_itself", "ends_itself", "deliver_notifications"]
        labels = SWITCHES
        help_texts = NOTIFIES


class MessageForm(forms.Form):
    """The text of a step."""

    message = message()
    deliver_notifications = notify()


class CancelForm(MessageForm):
    """The last text of a maintenance that does not take place."""


class RescheduleForm(forms.Form):
    """New times, in the page's zone."""

    maintenance: Maintenance
    scheduled_for = WallTimeField(label="Starts at")
    scheduled_until = WallTimeField(label="Ends at")

    @staticmethod
    def for_maintenance(maintenance: Maintenance) -> type[RescheduleForm]:
        """Return the form; one that has begun keeps its start."""
        zone = maintenance.page.time_zone
        members: dict[str, Any] = {"maintenance": maintenance}
        for name, label in (("scheduled_for", "Starts at"), ("scheduled_until", "Ends at")):
            wall = on_wall(getattr(maintenance, name), zone)
            help_text = f"Wall clock of {zone}."
            members[name] = WallTimeField(label=label, help_text=help_text, initial=wall)
        if maintenance.is_active:
            members["scheduled_for"] = None
        return type("RescheduleForm", (RescheduleForm,), members)

    def clean(self) -> dict[str, Any]:
        super().clean()
        # A time that was not touched stays as exact as it is.
        for name in self.cleaned_data.keys() - set(self.changed_data):
            self.cleaned_data[name] = getattr(self.maintenance, name)
        _times_in(self, self.maintenance.page.time_zone)
        return self.cleaned_data


class UpdateForm(forms.Form):
    """The next update. The statuses and fields for components are those of the maintenance.

    It carries the sequence that it was shown at. Where another update came meanwhile it shows that one, keeps
    what was typed, and may be sent once more.
    """

    latest: MaintenanceUpdate
    status = forms.ChoiceField(required=False, widget=Select)
    message = message()
    sequence = forms.IntegerField(widget=forms.HiddenInput)
    stays_automated = forms.BooleanField(
        label="Goes on by itself",
        required=False,
        initial=True,
        widget=Switch,
        help_text="Whether it still ends by itself, if so set, after you give it another status here.",
    )
    deliver_notifications = notify()

    def clean(self) -> dict[str, Any]:
        super().clean()
        demand_values(self, self.cleaned_data, [self.cleaned_data.get("message") or ""])
        latest = self.latest
        if self.cleaned_data.get("sequence", latest.sequence) != latest.sequence:
            # Every input has one value, so a plain mapping holds what was sent.
            self.data = {**dict(self.data.items()), "sequence": str(latest.sequence)}
            who = "It moved by itself" if latest.is_automated else f"{latest.author} posted"
            text = f" “{latest.body}”" if latest.body else ""
            message = f"{who} meanwhile: {latest.get_status_display()}.{text} Yours is kept below: read it again, then post it."
            self.add_error(None, message)
        return self.cleaned_data

    @staticmethod
    def for_maintenance(
        maintenance: Maintenance,
        components: Sequence[Component],
        variables: dict[str, forms.Field],
    ) -> type[UpdateForm]:
        """Return the form with the steps that are allowed, and one select for each component.

        `variables` are the fields that a template asks for.
        """
        standing = CANCELLED if maintenance.is_cancelled else maintenance.status
        steps = MAINTENANCE_MOVES["person", standing] - {maintenance.status}
        choices = [("", f"No change (now: {maintenance.get_status_display()})")]
        choices += [
            (value, str(label)) for value, label in MaintenanceStatus.choices if value in steps
        ]
        fields: dict[str, Any] = {
            "latest": maintenance.updates.latest("sequence"),
            "status": forms.ChoiceField(required=False, choices=choices, widget=Select),
        }
        for component in () if maintenance.is_cancelled else components:
            fields[f"component_{component.pk}"] = forms.ChoiceField(
                label=_labelled(component),
                required=False,
                choices=[
                    ("", "No change"),
                    (ComponentStatus.UNDER_MAINTENANCE.value, "Under maintenance"),
                    (ComponentStatus.OPERATIONAL.value, "Operational: the work is done there"),
                ],
                widget=Select,
            )
        made: type[UpdateForm] = type("UpdateForm", (UpdateForm,), {**fields, **variables})
        # A template's variables come where its text is.
        made.field_order = ["status", "message", *variables]
        return made


def said_in(data: dict[str, Any]) -> dict[int, str]:
    """Return {component id: status} of a cleaned UpdateForm."""
    return {
        int(name.removeprefix("component_")): value
        for name, value in data.items()
        if name.startswith("component_") and value
    }


def _labelled(component: Component) -> str:
    group = f"{component.group} / " if component.group else ""
    return f"{group}{component.name} (now: {component.get_status_display()})"


def _times_in(form: forms.BaseForm, zone_name: str) -> None:
    """Turn the wall-clock times of a form that is being cleaned into instants, and check their order."""
    for name in TIMES:
        wall = form.cleaned_data.get(name)
        if wall is None or timezone.is_aware(wall):
            continue
        try:
            form.cleaned_data[name] = at_zone(wall, zone_name)
        except ValidationError as error:
            form.add_error(name, error)
    begins, ends = (form.cleaned_data.get(name) for name in TIMES)
    if begins and ends and ends <= begins:
        form.add_error("scheduled_until", "The end must be after the start.")
