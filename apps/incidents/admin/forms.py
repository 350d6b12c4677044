"""What staff fill in about incidents."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms

from apps.core.adminkit.fields import RowsField
from apps.core.adminkit.times import PageTimeField
from apps.core.unfold import ModelForm, Select, Switch, Textarea, TextInput
from apps.incidents.admin.using import demand_values
from apps.incidents.models import Impact, Incident, IncidentStatus
from apps.pages.models import Component, Page
from apps.pages.status import ComponentStatus

MARKDOWN = "Markdown. Shown to readers."


def _notify() -> forms.BooleanField:
    return forms.BooleanField(
        label="Notify subscribers",
        required=False,
        initial=True,
        widget=Switch,
        help_text="Kept with the update. Pages have no subscribers yet: nothing is sent.",
    )


class MarkdownField(forms.CharField):
    """A text of several lines. Browsers send CRLF; kept is LF, as every other source writes."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(required=False, strip=False, **kwargs)

    def to_python(self, value: Any) -> str:
        return (super().to_python(value) or "").replace("\r\n", "\n")


def _message(label: str = "Message", rows: int = 4) -> MarkdownField:
    return MarkdownField(
        label=label,
        help_text=MARKDOWN,
        widget=Textarea(attrs={"rows": rows}),
    )


class OpenForm(ModelForm):
    """A new incident with its first update. Fields for a template's variables are added."""

    first_status = forms.ChoiceField(
        label="Status",
        choices=IncidentStatus.choices,
        initial=IncidentStatus.INVESTIGATING,
        widget=Select,
    )
    message = _message()
    deliver_notifications = _notify()

    class Meta:
        model = Incident
        fields = ["page", "name", "impact_override"]

    @staticmethod
    def asking(variables: dict[str, forms.Field]) -> type[OpenForm]:
        """Return the form with the variables' fields."""
        return type("OpenForm", (OpenForm,), variables) if variables else OpenForm

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or self.cleaned_data
        demand_values(self, data, [data.get("name") or "", data.get("message") or ""])
        return data


class EditForm(ModelForm):
    """What is not an update."""

    started_at = PageTimeField(label="Started", help_text="As readers see it, in the page's zone.")

    class Meta:
        model = Incident
        fields = ["name", "impact_override"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        incident: Incident = self.instance
        field = self.fields["started_at"]
        assert isinstance(field, PageTimeField)
        field.zone = incident.page.time_zone
        field.help_text = f"As readers see it, in the page's zone ({field.zone})."
        self.initial["started_at"] = incident.started_at


class UpdateForm(forms.Form):
    """The next update. Fields for the components, and for a template's variables, are added."""

    status = forms.ChoiceField(choices=IncidentStatus.choices, widget=Select)
    message = _message()
    sequence = forms.IntegerField(widget=forms.HiddenInput)
    display_at = PageTimeField(label="Shown time", required=False)
    deliver_notifications = _notify()

    @staticmethod
    def for_components(
        components: Sequence[Component], variables: dict[str, forms.Field], zone: str
    ) -> type[UpdateForm]:
        """Return the form with one select for each component; left empty nothing is said about it."""
        unchanged = ("", "No change")
        fields: dict[str, Any] = {
            f"component_{component.pk}": forms.ChoiceField(
                label=_labelled(component),
                required=False,
                choices=[unchanged, *ComponentStatus.choices],
                widget=Select,
            )
            for component in components
        }
        shown = PageTimeField(
            label="Shown time",
            required=False,
            zone=zone,
            help_text=f"Empty: now. In the page's zone ({zone}).",
        )
        made: type[UpdateForm] = type(
            "UpdateForm", (UpdateForm,), {"display_at": shown, **fields, **variables}
        )
        # A template's variables come where its text is.
        order = ["status", "message", *variables, *fields, "display_at"]
        made.field_order = [*order, "deliver_notifications", "sequence"]
        return made

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or self.cleaned_data
        demand_values(self, data, [data.get("message") or ""])
        return data


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


class EditUpdateForm(forms.Form):
    """An update's text and shown time."""

    body = _message()

    @staticmethod
    def in_zone(zone: str) -> type[EditUpdateForm]:
        shown = PageTimeField(
            label="Shown time", zone=zone, help_text=f"In the page's zone ({zone})."
        )
        return type("EditUpdateForm", (EditUpdateForm,), {"display_at": shown})


class PostmortemForm(forms.Form):
    """The draft."""

    body = MarkdownField(
        label="Post-mortem",
        widget=Textarea(attrs={"rows": 16}),
        help_text="Markdown. Readers see it once it is published, above the incident's updates.",
    )
    deliver_notifications = _notify()


class MergeForm(forms.Form):
    """Which incident keeps going."""

    into = forms.ModelChoiceField(
        label="Keep going with", queryset=Incident.objects.none(), widget=Select
    )
    message = MarkdownField(
        widget=Textarea(attrs={"rows": 3}),
        help_text="The last update of this one, Markdown. Empty: a sentence that names the other.",
    )
    deliver_notifications = _notify()


class PastForm(forms.Form):
    """A story that is over."""

    page = forms.ModelChoiceField(queryset=Page.objects.live(), widget=Select)
    name = forms.CharField(max_length=255, widget=TextInput)
    impact_override = forms.ChoiceField(
        label="Impact",
        required=False,
        choices=[("", "From its components"), *Impact.choices],
        widget=Select,
    )
    updates = RowsField(
        columns=[
            {"name": "at", "label": "Time", "kind": "text"},
            {
                "name": "status",
                "label": "Status",
                "kind": "select",
                "choices": IncidentStatus.choices,
            },
            {"name": "message", "label": "Message", "kind": "lines"},
        ],
        add="Add an update",
        label="Updates",
        help_text=(
            "From the first to the last, which resolves it. Times in the page's zone, such as 2026-03-02 13:05. "
            "Messages in Markdown."
        ),
    )
    components = RowsField(
        columns=[
            {"name": "component", "label": "Component", "kind": "text"},
            {
                "name": "status",
                "label": "Status",
                "kind": "select",
                "choices": ComponentStatus.choices,
            },
            {"name": "update", "label": "Said with update", "kind": "text", "hint": "1"},
        ],
        add="Add a component",
        label="Affected components",
        help_text="By name, or as Group / Name. It is said from the first update on, or from the one whose number is "
        "given. Resolving ends it. Uptime is not changed.",
    )
