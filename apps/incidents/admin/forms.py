"""What staff fill in about incidents."""

from __future__ import annotations

from typing import Any, Self

from django import forms

from apps.core.adminkit.times import PageTimeField
from apps.core.unfold import ModelForm, Select
from apps.incidents.admin.compose.forms import notify
from apps.incidents.admin.markdown import MarkdownField
from apps.incidents.drafting import digest_of_text
from apps.incidents.models import Incident

MEANWHILE = (
    "Somebody changed this text meanwhile. Nothing of yours was saved, and nothing is lost: read above what it says "
    "now, then save again."
)


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


class SeenForm(forms.Form):
    """A text; `seen` stands for what it said when the screen was opened."""

    seen = forms.CharField(required=False, widget=forms.HiddenInput)

    def once_more(self, text: str) -> Self:
        """Return the form with all that was typed, after `text` was seen, which somebody else wrote meanwhile."""
        # Each field of these forms has one value.
        data = {name: self.data[name] for name in self.data} | {"seen": digest_of_text(text)}
        form = type(self)(data=data, initial=self.initial)
        form.add_error(None, MEANWHILE)
        return form


class EditUpdateForm(SeenForm):
    """An update's text and shown time."""

    body = MarkdownField(label="Message")

    @staticmethod
    def in_zone(zone: str) -> type[EditUpdateForm]:
        shown = PageTimeField(
            label="Shown time", zone=zone, help_text=f"In the page's zone ({zone})."
        )
        return type("EditUpdateForm", (EditUpdateForm,), {"display_at": shown})


class PostmortemForm(SeenForm):
    """The draft."""

    body = MarkdownField(
        label="Post-mortem",
        rows=16,
        help_text="Markdown. Readers see it once it is published, above the incident's updates.",
    )
    deliver_notifications = notify()


class MergeForm(forms.Form):
    """Which incident keeps going."""

    into = forms.ModelChoiceField(
        label="Keep going with", queryset=Incident.objects.none(), widget=Select
    )
    message = MarkdownField(
        rows=3,
        help_text="The last update of this one, Markdown. Empty: a sentence that names the other.",
    )
    deliver_notifications = notify()
