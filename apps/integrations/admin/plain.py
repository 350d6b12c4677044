"""The form without scripts: selects that look up their choices become lists, grouped by what they depend on."""

from __future__ import annotations

from collections.abc import Callable
from itertools import groupby
from typing import Any

from django.db import models
from django.http import HttpRequest

from apps.core.unfold import Select

AT_MOST = 1000


def is_plain(request: HttpRequest) -> bool:
    """Tell whether the form was opened in the way for browsers without scripts."""
    return request.GET.get("plain") == "1"


def list_choices(field: Any, *, group: str = "", label: Callable[[Any], str] = str) -> None:
    """Turn a relation's form field into a list of its live rows; `group` is the relation whose row heads each group."""
    model: type[models.Model] = field.queryset.model
    order = list(model._meta.ordering or ())
    rows = field.queryset.filter(archived_at__isnull=True)
    if group:
        rows = rows.select_related(group).order_by(f"{group}__name", f"{group}_id", *order)
    else:
        rows = rows.order_by(*order)
    found = list(rows[:AT_MOST])
    widget = Select()
    field.widget = widget
    if not group:
        field.choices = [("", "–"), *((row.pk, label(row)) for row in found)]
        return
    heads = groupby(found, key=lambda row: (getattr(row, f"{group}_id"), getattr(row, group)))
    field.choices = [
        ("", "–"),
        *((str(head), [(row.pk, label(row)) for row in held]) for (_, head), held in heads),
    ]
