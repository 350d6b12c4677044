"""A page as its form says, without saving anything."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import count
from typing import Any

from apps.pages.admin.outlets import Draft
from apps.pages.models import Component, ComponentGroup, Metric

_LAST = 10**6


def draft_of(form: Any, groups: Any, components: Any, metrics: Any) -> Draft:
    """Return the page that the form and its formsets make, sent or not.

    Where a value is wrong the one that is saved counts, and a new row without a name is left out, so that
    there is something to see while a person types. The forms' rows are changed by this: they are not to be saved.
    """
    numbers = count(1)
    page = form.instance
    if form.is_bound:
        form.is_valid()
    page.pk = page.pk or 0
    by_key: dict[str, ComponentGroup] = {}
    for part in _parts(groups):
        group = part.instance
        by_key[str(part.prefix)] = by_key[str(group.pk)] = _numbered(group, numbers)
        group.page_id = page.pk
    found: list[Component] = []
    for part in _parts(components):
        component = _numbered(part.instance, numbers)
        key = part.cleaned_data.get("group", "") if part.is_bound else part.initial["group"]
        into = by_key.get(key)
        component.group_id = into.pk if into else None
        component.page_id = page.pk
        if key and into is None:
            component.position = _LAST
        found.append(component)
    measured: list[Metric] = [_numbered(part.instance, numbers) for part in _parts(metrics)]
    return Draft(
        page,
        # In the order that the database gives them.
        sorted({group.pk: group for group in by_key.values()}.values(), key=_by_place),
        found,
        sorted(measured, key=_by_place),
    )


def problems_of(form: Any, formsets: Iterable[Any]) -> list[str]:
    """Return what is wrong in the sent form, each with the field that it is at."""
    forms = [form, *(part for formset in formsets for part in formset.forms)]
    return [
        f"{part.fields[name].label or name}: {text}" if name in part.fields else str(text)
        for part in forms
        if part.is_bound and not part.data.get(f"{part.prefix}-DELETE")
        for name, texts in part.errors.items()
        for text in texts
    ]


def _parts(formset: Any) -> Iterable[Any]:
    for part in formset.forms:
        if part.is_bound:
            part.is_valid()
            if part.data.get(f"{part.prefix}-DELETE"):
                continue
        if part.instance.name:
            yield part


def _numbered(row: Any, numbers: Iterable[int]) -> Any:
    if row.pk is None:
        row.pk = -next(iter(numbers))
    if row.position is None:
        row.position = _LAST
    return row


def _by_place(row: Any) -> tuple[int, int]:
    return row.position, abs(row.pk) + (_LAST if row.pk < 0 else 0)
