"""Formsets of a page's parts that cost one query, however many parts there are.

Django asks the database for each row's key, each choice and each constraint. The rows are read already, the groups
too, and the services check every rule when the form is saved.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import forms

from apps.core.unfold import InlineFormSet, ModelForm, Select
from apps.pages.models import ComponentGroup

NEW_GROUP = "groups-"
"""A component's group may be one that is made in the same form: `groups-` and its number there."""


class KnownRow(forms.Field):
    """The key of a row that the formset has read; refuses one that is not there any more."""

    def __init__(self, *, row: Any, name: str) -> None:
        super().__init__(required=False, widget=forms.HiddenInput, initial=row.pk)
        self.row = row
        self.name = name

    def clean(self, value: Any) -> Any:
        if value and self.row.pk is None:
            raise forms.ValidationError(
                f"Somebody archived this {self.name} meanwhile, or moved it to another page."
            )
        return self.row if value else None

    def has_changed(self, initial: Any, data: Any) -> bool:
        return False


class PartFormSet(InlineFormSet):
    """Parts of one page."""

    def add_fields(self, form: Any, index: int | None) -> None:
        super().add_fields(form, index)
        opts = form.instance._meta
        form.fields[opts.pk.name] = KnownRow(row=form.instance, name=str(opts.verbose_name))


class PartForm(ModelForm):
    """A part of a page in the page's form."""

    error_fields: Mapping[str, str] = {"group_id": "group", "page_id": "page"}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk is None:
            # The column's default would put every new row first.
            self.initial.pop("position", None)
        for name, field in self.fields.items():
            # In a table the column's heading is no label.
            field.widget.attrs.setdefault("aria-label", str(field.label or name))

    def validate_unique(self) -> None:
        """Leave it to the service."""

    def validate_constraints(self) -> None:
        """Leave it to the service."""


class GroupField(forms.ChoiceField):
    """The group that a component is in: its key, one made in the same form (`NEW_GROUP`), or none."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(required=False, widget=Select, label="Group", **kwargs)
        self.offer(())

    def offer(self, groups: tuple[ComponentGroup, ...]) -> None:
        """Offer these groups."""
        self.choices = [("", "No group"), *((str(group.pk), group.name) for group in groups)]

    def valid_value(self, value: Any) -> bool:
        number = str(value).removeprefix(NEW_GROUP)
        is_new = str(value).startswith(NEW_GROUP) and number.isdecimal()
        return is_new or super().valid_value(value)
