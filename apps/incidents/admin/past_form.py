"""What staff fill in of an incident that was over before it was told."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from apps.core.adminkit.fields import RowsField
from apps.core.adminkit.times import at_zone
from apps.core.errors import Invalid
from apps.core.unfold import Select, TextInput
from apps.incidents.admin.compose.forms import full_name
from apps.incidents.models import Impact, IncidentStatus
from apps.pages.models import Component, Page
from apps.pages.status import ComponentStatus


class PastForm(forms.Form):
    """A story that is over, of a page."""

    name = forms.CharField(max_length=255, widget=TextInput)
    impact_override = forms.ChoiceField(
        label="Impact",
        required=False,
        choices=[("", "From its components"), *Impact.choices],
        widget=Select,
    )

    @staticmethod
    def of_page(page: Page, components: Sequence[Component]) -> type[PastForm]:
        """Return the form whose times are the page's, and which offers its components."""
        updates = RowsField(
            columns=[
                {"name": "at", "label": "Time", "kind": "text", "type": "datetime-local"},
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
                f"From the first to the last, which resolves it. Times on the wall clock of {page.time_zone}. "
                "Messages in Markdown."
            ),
        )
        said = RowsField(
            columns=[
                {
                    "name": "component",
                    "label": "Component",
                    "kind": "select",
                    "choices": [(row.public_id, full_name(row)) for row in components],
                },
                {
                    "name": "status",
                    "label": "Status",
                    "kind": "select",
                    "choices": ComponentStatus.choices[1:],
                },
                {
                    "name": "update",
                    "label": "Said with update",
                    "kind": "text",
                    "type": "number",
                    "hint": "1",
                },
            ],
            add="Add a component",
            label="Affected components",
            help_text="Said from the first update on, or from the one whose number is given. Resolving ends it. "
            "Uptime is not changed.",
        )
        return type("PastForm", (PastForm,), {"updates": updates, "components": said})


def time_of(value: Any, zone: str, index: int) -> datetime:
    """Return the time in the page's zone; one that has an offset is taken at its word. Invalid at its row."""
    place = f"updates[{index}].at"
    try:
        found = parse_datetime(str(value or "").strip())
    except ValueError:
        found = None
    if found is None:
        raise Invalid("invalid", "choose a day and a time", field=place)
    if timezone.is_aware(found):
        return found
    try:
        return at_zone(found, zone)
    except ValidationError as error:
        raise Invalid("invalid", error.messages[0], field=place) from error


def said_of(
    rows: Sequence[Mapping[str, Any]], components: Sequence[Component], updates: int
) -> dict[int, dict[str, str]]:
    """Return {index of the update: {component's public id: status}}. Invalid for what is not on the page."""
    known = {row.public_id for row in components}
    said: dict[int, dict[str, str]] = {}
    for row in rows:
        public_id = str(row.get("component") or "").strip()
        if public_id not in known:
            raise Invalid("invalid", f"{public_id!r} is not on this page", field="components")
        index = _index(row.get("update"), updates)
        said.setdefault(index, {})[public_id] = str(row.get("status") or "")
    return said


def _index(value: Any, updates: int) -> int:
    """Return the index of the update with this number; of the first where none is given."""
    text = str(value or "1").strip()
    number = int(text) if text.isdecimal() else 0
    if not 0 < number <= updates:
        raise Invalid("invalid", f"there is no update {text!r}", field="components")
    return number - 1
