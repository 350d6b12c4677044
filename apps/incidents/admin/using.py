"""Templates where incidents are written: picked by the address, their variables asked for in the form."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from django import forms
from django.http import HttpRequest

from apps.core.unfold import TextInput
from apps.incidents.filling import asked_for
from apps.incidents.models import IncidentTemplate
from apps.incidents.selectors import templates_of
from apps.incidents.services import Texts

PARAMETER = "template"
PREFIX = "variable_"


def chosen(
    request: HttpRequest, *, page_id: int | None = None, kind: str = IncidentTemplate.Kind.INCIDENT
) -> IncidentTemplate | None:
    """Return the template that the address names, if it is a live one of its kind (of the page)."""
    wanted = request.GET.get(PARAMETER, "")
    return templates_of(page_id, kind).filter(public_id=wanted).first() if wanted else None


def picker(
    template: IncidentTemplate | None,
    *,
    page_id: int | None = None,
    kind: str = IncidentTemplate.Kind.INCIDENT,
    among: Collection[int] | None = None,
) -> dict[str, Any]:
    """Return what admin/incidents/picker.html shows. `among`: of these pages only."""
    rows = templates_of(page_id, kind)
    return {
        "templates": list(rows if among is None else rows.filter(page__in=among)),
        "chosen": template.public_id if template else "",
        "with_page": page_id is None,
    }


def variable_fields(template: IncidentTemplate | None, *texts: str) -> dict[str, forms.Field]:
    """Return a field for each variable that has to be asked for."""
    if template is None:
        return {}
    return {
        f"{PREFIX}{name}": forms.CharField(
            label=name.replace("_", " ").capitalize(),
            required=False,
            widget=TextInput,
            help_text=f"Takes the place of {{{{{name}}}}}.",
        )
        for name in asked_for(*texts)
    }


def values_in(data: Mapping[str, Any]) -> dict[str, str]:
    """Return {variable: value} of a form's cleaned data."""
    return {
        name.removeprefix(PREFIX): value
        for name, value in data.items()
        if name.startswith(PREFIX) and value
    }


def texts_in(data: Mapping[str, Any]) -> Texts:
    """Return the texts as staff left them, with the values that they gave."""
    return Texts(data.get("name", ""), data.get("message", ""), values_in(data))


def demand_values(form: forms.BaseForm, data: Mapping[str, Any], texts: Iterable[str]) -> None:
    """Mark the fields of variables that the texts still hold and that have no value."""
    values = values_in(data)
    for name in asked_for(*texts):
        field = f"{PREFIX}{name}"
        if name not in values and field in form.fields:
            form.add_error(field, f"Fill this in, or take {{{{{name}}}}} out of the text.")
