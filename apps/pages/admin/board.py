"""The board of a page's form: groups and components as readers see them, in ready values for its template."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from django.urls import reverse
from django.utils.safestring import SafeString

from apps.core.adminkit import tag
from apps.pages.models import Component, ComponentGroup

_LAST = 10**6


@dataclass(slots=True)
class Entry:
    """A row of the board. `names` are its inputs' names, `values` what they hold, `errors` what is wrong in it.

    `key` is what a component's group says for the group: its key, or its prefix while it is not saved.
    """

    key: str
    prefix: str
    is_group: bool
    values: dict[str, Any]
    errors: list[str]
    faulty: set[str]
    is_saved: bool
    is_removed: bool
    label: str
    url: str = ""
    why_url: str = ""
    status: SafeString | str = ""
    inside: list[Entry] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Board:
    """The top level, and an empty row of each kind for the rows that are added."""

    entries: list[Entry]
    empty_group: Entry
    empty_component: Entry
    groups: list[tuple[str, str]]
    may_change: bool


def board_of(groups: Any, components: Any, *, may_change: bool) -> Board:
    """Return the board that the two formsets make, sent or not."""
    group_entries = {one.key: one for one in (_entry(form) for form in groups.forms)}
    level: defaultdict[str, list[tuple[int, int, Entry]]] = defaultdict(list)
    for form in components.forms:
        entry = _entry(form)
        key = str(entry.values["group"] or "")
        level[key if key in group_entries else ""].append(_sortable(entry, 0))
    for key, entry in group_entries.items():
        entry.inside = _sorted(level[key])
        level[""].append(_sortable(entry, 1))
    return Board(
        entries=_sorted(level[""]),
        empty_group=_entry(groups.empty_form),
        empty_component=_entry(components.empty_form),
        groups=[(key, entry.label) for key, entry in group_entries.items()],
        may_change=may_change,
    )


def _sortable(entry: Entry, kind: int) -> tuple[int, int, Entry]:
    """Return the entry with what it is sorted by: its place, and of equals components before groups."""
    place = entry.values["position"]
    number = int(place) if str(place or "").isdecimal() else _LAST
    return number, kind, entry


def _sorted(entries: Iterable[tuple[int, int, Entry]]) -> list[Entry]:
    # By the name as well, as readers get it.
    def key(one: tuple[int, int, Entry]) -> tuple[Any, ...]:
        return one[0], str(one[2].values["name"] or ""), one[1]

    return [entry for _, _, entry in sorted(entries, key=key)]


def _entry(form: Any) -> Entry:
    row: Component | ComponentGroup = form.instance
    is_group = isinstance(row, ComponentGroup)
    names = ("name", "description") if is_group else ("name", "group", "showcase", "hidden")
    values = {name: _value(form, name) for name in (*names, "position")}
    is_saved = row.pk is not None
    # Asking an empty form for its errors would fill it in.
    errors = form.errors if form.is_bound else {}
    kind = "componentgroup" if is_group else "component"
    entry = Entry(
        key=str(row.pk) if is_saved else str(form.prefix),
        prefix=str(form.prefix),
        is_group=is_group,
        values=values,
        errors=[str(text) for texts in errors.values() for text in texts],
        faulty=set(errors),
        is_saved=is_saved,
        is_removed=form.is_bound and bool(form.data.get(f"{form.prefix}-DELETE")),
        label=str(row.name) if is_saved else f"New {'group' if is_group else 'component'}",
    )
    if is_saved:
        entry.url = reverse(f"admin:pages_{kind}_change", args=[row.pk])
    if is_saved and isinstance(row, Component):
        entry.status = tag(row.status, row.get_status_display())
        entry.why_url = reverse("admin:pages_component_why", args=[row.pk])
    return entry


def _value(form: Any, name: str) -> Any:
    """Return what the input holds; from the row where the person may not change it."""
    if name in form.fields:
        return form[name].value()
    value = getattr(form.instance, f"{name}_id" if name == "group" else name)
    return str(value or "") if name == "group" else value
