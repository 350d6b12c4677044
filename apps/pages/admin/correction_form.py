"""What staff say was true of a past stretch."""

from __future__ import annotations

from typing import Any

from django import forms

from apps.core.adminkit.times import PageTimeField
from apps.core.unfold import Select, Textarea
from apps.pages.admin.why import zone_of
from apps.pages.models import Component, Correction


class CorrectionForm(forms.Form):
    """A past stretch, what was true of it, and why."""

    started_at = PageTimeField(label="From")
    ended_at = PageTimeField(label="Until")
    status = forms.ChoiceField(
        label="What was true",
        choices=Correction.Status.choices,
        widget=Select,
        help_text="Not measured takes the time out of uptime.",
    )
    reason = forms.CharField(
        max_length=300,
        widget=Textarea(attrs={"rows": 2}),
        help_text="Readers see it beside the day. Your name stays private.",
    )


def correction_form(component: Component, *, data: Any, initial: dict[str, Any]) -> CorrectionForm:
    """Return the form with its times on the clock of the component's page."""
    form = CorrectionForm(data=data, initial=initial)
    for name in ("started_at", "ended_at"):
        field: Any = form.fields[name]
        field.zone = zone_of(component)
        field.help_text = f"In the page's time zone, {zone_of(component)}."
    return form
