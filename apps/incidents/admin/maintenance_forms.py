"""Forms of maintenance."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone

from apps.core.adminkit.times import WallTimeField, at_zone, on_wall
from apps.core.unfold import ModelForm
from apps.incidents.admin.compose.forms import notify
from apps.incidents.admin.markdown import MarkdownField
from apps.incidents.models import Maintenance
from apps.pages.models import Page

SWITCHES = {
    "starts_itself": "Starts by itself",
    "ends_itself": "Ends by itself",
    "deliver_notifications": "Notify subscribers",
}
NOTIFIES = {
    "deliver_notifications": "Kept with what it does by itself. Pages have no subscribers yet: nothing is sent.",
}
TIMES = ("scheduled_for", "scheduled_until")


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

    message = MarkdownField(rows=4)
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
