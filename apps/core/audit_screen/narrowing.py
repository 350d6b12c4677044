"""What of the audit trail is shown: one form above the list, read from the address."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, time
from typing import Any

from django import forms
from django.apps import apps
from django.db import models

from apps.core.audit_words import all_verbs, thing
from apps.core.models import AuditEvent
from apps.core.unfold import Select, TextInput

KINDS = [
    ("person", "People"),
    ("token", "API tokens"),
    ("command", "Commands"),
    ("automation", "Automation"),
]


class DateInput(TextInput):
    """The browser's own date picker."""

    input_type = "date"


def things() -> Iterable[tuple[str, str]]:
    """Return the kinds of objects that events may be about: models whose rows have a public id."""
    found = [
        (model._meta.label_lower, thing(model._meta.label_lower).capitalize())
        for model in apps.get_models()
        if any(field.name == "public_id" for field in model._meta.fields)
    ]
    return [("", "Anything"), *sorted(found, key=lambda one: one[1].lower())]


class Narrowing(forms.Form):
    """Days are UTC days, both included."""

    text = forms.CharField(
        label="Name or id", required=False, help_text="Part of a name, or an object's whole id."
    )
    who = forms.CharField(label="Who", required=False, help_text="Part of a name, or a whole id.")
    kind = forms.ChoiceField(label="Kind", required=False, choices=[("", "Anybody"), *KINDS])
    channel = forms.ChoiceField(
        label="From where",
        required=False,
        choices=[("", "Anywhere"), *AuditEvent.Channel.choices],
    )
    about = forms.ChoiceField(label="About", required=False, choices=things)
    what = forms.ChoiceField(
        label="What", required=False, choices=lambda: [("", "Anything"), *all_verbs()]
    )
    since = forms.DateField(label="From day (UTC)", required=False, widget=DateInput)
    until = forms.DateField(label="To day (UTC)", required=False, widget=DateInput)
    session = forms.CharField(required=False, max_length=16, widget=forms.HiddenInput)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for field in self.fields.values():
            if isinstance(field, forms.ChoiceField):
                choices = field.choices
                field.widget = Select()
                field.choices = choices
            elif isinstance(field.widget, forms.TextInput) and not isinstance(
                field.widget, DateInput | forms.HiddenInput
            ):
                field.widget = TextInput()

    @property
    def is_narrow(self) -> bool:
        """Whether anything is asked for."""
        return any(self.cleaned_data.values()) if self.is_valid() else True

    def applied_to(self, rows: models.QuerySet[AuditEvent]) -> models.QuerySet[AuditEvent]:
        """Return the events that were asked for; none when the form is filled in wrongly."""
        if not self.is_valid():
            return rows.none()
        data = self.cleaned_data
        if text := data["text"]:
            rows = rows.filter(models.Q(object_id=text) | models.Q(object_label__icontains=text))
        if who := data["who"]:
            rows = rows.filter(models.Q(actor_key=who) | models.Q(actor_label__icontains=who))
        for name, column in (
            ("kind", "actor_kind"),
            ("channel", "channel"),
            ("about", "object_type"),
            ("session", "session"),
        ):
            if data[name]:
                rows = rows.filter(**{column: data[name]})
        if data["what"]:
            rows = rows.filter(action__endswith=f".{data['what']}")
        if data["since"]:
            rows = rows.filter(at__gte=datetime.combine(data["since"], time(), UTC))
        if data["until"]:
            rows = rows.filter(at__lte=datetime.combine(data["until"], time.max, UTC))
        return rows
