"""What every post asks for: a text, what it says of components, and when it is told."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django import forms
from django.db.models import Q
from django.utils.safestring import SafeString

from apps.core.adminkit import tag
from apps.core.adminkit.times import PageTimeField
from apps.core.unfold import Select, Switch
from apps.incidents.admin.markdown import MarkdownField, MarkdownInput
from apps.incidents.admin.using import demand_values
from apps.incidents.models import Incident, Maintenance
from apps.pages.models import Component, Page

PREFIX = "component_"
UNCHANGED = ("", "No change")


def notify() -> forms.BooleanField:
    """Return the switch that is kept with a post."""
    return forms.BooleanField(
        label="Notify subscribers",
        required=False,
        initial=True,
        widget=Switch,
        help_text="Kept with the update. Pages have no subscribers yet: nothing is sent.",
    )


def later(zone: str) -> PageTimeField:
    """Return the field of the time at which it is told."""
    return PageTimeField(
        label="Publish at",
        required=False,
        zone=zone,
        help_text=f"Empty: at once. A time to come: it is told then by itself. In the page's zone ({zone}).",
    )


class ComposeForm(forms.Form):
    """The next post. Fields for components, and for a template's variables, are added.

    `sequence` is the last update that the screen showed, `digest` the draft's words that it began with.
    """

    page_id: int | None = None
    affected: tuple[int, ...] = ()
    message = MarkdownField(label="Message")
    sequence = forms.IntegerField(required=False, widget=forms.HiddenInput)
    digest = forms.CharField(required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        widget = self.fields["message"].widget
        if isinstance(widget, MarkdownInput):
            widget.page_id, widget.affected = self.page_id, self.affected

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or self.cleaned_data
        demand_values(self, data, [data.get("name") or "", data.get("message") or ""])
        return data


@dataclass(frozen=True, slots=True)
class Row:
    """A component on the screen: its field, its name with its group, its present status, and whether it is affected."""

    field: Any
    name: str
    now: SafeString
    is_affected: bool


def offered(page_id: int, affected: Iterable[int]) -> list[Component]:
    """Return the page's components and those that are affected, these first. One query."""
    first = set(affected)
    on_page = Q(archived_at__isnull=True, page=page_id)
    rows = list(Component.objects.filter(on_page | Q(pk__in=first)).select_related("group"))
    rows.sort(key=lambda row: (row.pk not in first, _place(row)))
    return rows


def _place(row: Component) -> tuple[int, str, int, str]:
    group = row.group
    return (group.position if group else row.position, full_name(row), row.position, row.name)


def full_name(row: Component) -> str:
    """Return `Group / Name`, or the name where there is no group."""
    return f"{row.group.name} / {row.name}" if row.group else row.name


def component_fields(
    components: Sequence[Component], choices: Sequence[tuple[str, str]]
) -> dict[str, forms.Field]:
    """Return a select for each component; left empty nothing is said about it."""
    return {
        f"{PREFIX}{row.pk}": forms.ChoiceField(
            label=f"{full_name(row)}: new status",
            required=False,
            choices=[UNCHANGED, *choices],
            widget=Select,
        )
        for row in components
    }


def rows_of(
    form: forms.Form, components: Sequence[Component], affected: Iterable[int]
) -> list[Row]:
    """Return the components as the screen lists them; a choice that was made counts as affected."""
    first = set(affected)
    return [
        Row(
            field=form[f"{PREFIX}{row.pk}"],
            name=full_name(row),
            now=tag(row.status, row.get_status_display()),
            is_affected=row.pk in first or bool(form[f"{PREFIX}{row.pk}"].value()),
        )
        for row in components
    ]


def said_in(data: Mapping[str, Any], components: Sequence[Component]) -> dict[str, str]:
    """Return {public id: status} of a cleaned form."""
    return {
        row.public_id: data[f"{PREFIX}{row.pk}"]
        for row in components
        if data.get(f"{PREFIX}{row.pk}")
    }


def initial_of(said: Mapping[str, str], components: Sequence[Component]) -> dict[str, str]:
    """Return {field: status} of {public id: status}."""
    keys = {row.public_id: row.pk for row in components}
    return {f"{PREFIX}{keys[one]}": status for one, status in said.items() if one in keys}


def affected_of(event: Incident | Maintenance | None) -> dict[int, str]:
    """Return {component's key: what the event says of it now}."""
    if event is None:
        return {}
    return dict(event.affected.values_list("component_id", "status"))


def made(
    base: type[ComposeForm],
    page: Page,
    order: Sequence[str],
    affected: Iterable[int] = (),
    /,
    **fields: forms.Field | None,
) -> type[ComposeForm]:
    """Return the form of this page with these fields, in this order; hidden ones come last.

    `affected`: the keys of the components that a text is about while none is chosen.
    """
    members: dict[str, Any] = {
        "page_id": page.pk,
        "affected": tuple(affected),
        "field_order": list(order),
        **fields,
    }
    return type(base.__name__, (base,), members)
