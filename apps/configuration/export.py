"""Write the installation as a configuration file, secrets as placeholders."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

from apps.configuration import schema
from apps.configuration.kinds import AnyValue, Day, Key, ListOf, Record
from apps.configuration.placeholders import Placeholders, escape
from apps.configuration.plan import same
from apps.configuration.reading import VERSION
from apps.configuration.secrets import holds_secret
from apps.configuration.sections import (
    connectors,
    incident_templates,
    integrations_present,
    locations,
    maintenances,
    members,
    monitors,
    page_parts,
    pages,
    workspaces,
)
from apps.configuration.sections.bringing import Present, Values
from apps.configuration.writing import dump
from apps.integrations.models import Connector

Path = tuple[str, ...]


def export() -> str:
    """Return the whole configuration as a file. The same rows give the same text.

    A comment at its head lists the variables that it asks for, and what no file can say.
    """
    placeholders = Placeholders()
    left_out = [
        f"component {name}, which is on no page" for name in page_parts.unplaced_components()
    ]
    document: dict[str, Any] = {"version": VERSION}
    for section, found in _sections(left_out).items():
        record = schema.SECTIONS[section]
        entries = [
            _written(record, values, _Place(section, index, words, placeholders))
            for index, (words, values) in enumerate(found)
        ]
        if entries:
            document[section] = entries
    return _head(placeholders, left_out) + dump(document)


def _sections(left_out: list[str]) -> dict[str, list[tuple[Path, Values]]]:
    """Return {section: [(name, values)]} of everything, each section ordered by name."""
    own_connectors = {
        name: row for name, row in connectors.present().items() if name != (Connector.NATIVE_NAME,)
    }
    return {
        "workspaces": _named(workspaces.present()),
        "locations": _named(locations.present()),
        "monitors": _named(monitors.present()),
        "pages": [
            (name, row.values | page_parts.lists(row.id))
            for name, row in sorted(pages.present().items())
        ],
        "connectors": _named(own_connectors),
        "integrations": [
            (name, values)
            for name, row in sorted(integrations_present.present().items())
            if (values := integrations_present.nameable(row.values, left_out)) is not None
        ],
        "incident_templates": _named(incident_templates.present()),
        "maintenances": _named(maintenances.present_series()) + _named(maintenances.present_once()),
        "members": _named(members.present()),
    }


def _named(present: Mapping[Path, Present]) -> list[tuple[Path, Values]]:
    return [(name, row.values) for name, row in sorted(present.items())]


class _Place:
    """Where a value stands: its keys decide whether it is a secret, its names what the placeholder is called."""

    def __init__(
        self,
        section: str,
        index: int,
        words: Path,
        placeholders: Placeholders,
        keys: Path = (),
        path: str = "",
    ) -> None:
        self._entry = (section, index, words, placeholders)
        self.keys = keys
        self.path = path or f"{section}[{index}]"

    def below(self, key: str) -> _Place:
        return _Place(*self._entry, (*self.keys, key), f"{self.path}.{key}")

    def item(self, index: int, name: str = "") -> _Place:
        section, number, words, placeholders = self._entry
        return _Place(
            section,
            number,
            (*words, name) if name else words,
            placeholders,
            self.keys,
            f"{self.path}[{index}]",
        )

    def text(self, text: str) -> str:
        """Return the text as the file has it: a placeholder for a secret, escaped otherwise."""
        _, _, words, placeholders = self._entry
        if holds_secret(self.keys, text):
            return placeholders.name(*words, self.keys[-1], place=self.path)
        return escape(text)


def _written(record: Record, values: Mapping[str, Any], place: _Place) -> dict[str, Any]:
    """Return the values in the record's order, without defaults."""
    written: dict[str, Any] = {}
    for name, key in record.keys.items():
        if name not in values or _is_default(key, values[name]):
            continue
        written[name] = _value(key.kind, values[name], place.below(name))
    return written


def _is_default(key: Key, value: Any) -> bool:
    if isinstance(key.kind, AnyValue):
        return False
    if value is None or (key.stays and not value):
        return True
    return not key.is_required and same(key.default, value)


def _value(kind: Any, value: Any, place: _Place) -> Any:
    if isinstance(kind, Record) and isinstance(value, dict):
        return _written(kind, value, place)
    if isinstance(kind, ListOf) and isinstance(kind.item, Record):
        return [
            _written(kind.item, item, place.item(index, str(item.get("name", ""))))
            for index, item in enumerate(value)
        ]
    if isinstance(kind, Day):
        return date.fromisoformat(value)
    return _plain(value, place)


def _plain(value: Any, place: _Place) -> Any:
    """Return a value of JSON's form with its texts escaped, and mappings, which databases reorder, in one order."""
    if isinstance(value, dict):
        keys = value if place.keys[-1:] == ("auth",) else sorted(value)
        return {key: _plain(value[key], place.below(key)) for key in keys}
    if isinstance(value, (list, tuple)):
        return [_plain(item, place.item(index)) for index, item in enumerate(value)]
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return int(value)
    return place.text(value) if isinstance(value, str) else value


def _head(placeholders: Placeholders, left_out: Iterable[str]) -> str:
    lines = ["Written by manage.py export; docs/configuration.md describes the form."]
    if placeholders.uses:
        lines.append("Set these variables before it is applied:")
        lines += [f"  {name}  ({place})" for name, place in placeholders.uses.items()]
    lines += [f"Left out: {reason}" for reason in left_out]
    return "".join(f"# {_one_line(line)}\n" for line in lines)


def _one_line(text: str) -> str:
    """A name may hold what would end the comment."""
    return "".join(char if char.isprintable() else " " for char in text)
