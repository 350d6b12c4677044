"""Read a whole file into entries, section by section; what is wrong is collected, not raised."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any

from apps.configuration import schema
from apps.configuration.document import Node, load
from apps.configuration.kinds import INVALID, read, refuse
from apps.configuration.problems import Problems

VERSION = 1

# The keys that name an entry of a section, its own name last.
NAMING = {
    "workspaces": ("name",),
    "locations": ("code",),
    "monitors": ("workspace", "name"),
    "pages": ("slug",),
    "connectors": ("name",),
    "integrations": ("workspace", "nickname"),
    "incident_templates": ("page", "name"),
    "maintenances": ("page", "name"),
    "members": ("workspace", "page", "user"),
}


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing of the file, as its record of schema.py reads it, and where it stands."""

    node: Node
    values: dict[str, Any]


@dataclass(slots=True)
class Sections:
    """The sections that the file has. `broken` names the entries that have a problem: (section, *name)."""

    entries: dict[str, list[Entry]] = field(default_factory=dict)
    broken: set[tuple[str, ...]] = field(default_factory=set)


def read_file(content: bytes, *, environ: Mapping[str, str], problems: Problems) -> Sections:
    """Return the entries of a file, without those that have a problem."""
    sections = Sections()
    root = load(content, environ=environ, problems=problems)
    if root is None or root.broken:
        return sections
    if not root.is_mapping:
        refuse(root, problems, "the file is a mapping; it begins with `version: 1`")
        return sections
    _check_version(root, problems)
    for name, node in root.value.items():
        if name in schema.SECTIONS:
            sections.entries[name] = _read_section(name, node, sections, problems)
        elif name in schema.NOT_YET:
            refuse(node, problems, f"{name} is not supported yet")
        elif name != "version":
            near = get_close_matches(name, schema.SECTIONS, n=1, cutoff=0.75)
            hint = f" (did you mean {near[0]}?)" if near else ""
            allowed = ", ".join(["version", *schema.SECTIONS])
            refuse(node, problems, f"unknown section{hint}; allowed: {allowed}")
    return sections


def _check_version(root: Node, problems: Problems) -> None:
    node = root.value.get("version")
    if node is None:
        problems.add("version", f"is missing; the file begins with `version: {VERSION}`", line=1)
    elif not node.broken and (isinstance(node.value, bool) or node.value != VERSION):
        refuse(node, problems, f"must be {VERSION}")


def _read_section(name: str, node: Node, sections: Sections, problems: Problems) -> list[Entry]:
    if node.broken:
        return []
    if not node.is_list:
        refuse(node, problems, f"must be a list of {name}; write `{name}: []` for none")
        return []
    entries: list[Entry] = []
    first: dict[tuple[str, ...], Node] = {}
    for child in node.value:
        values = read(schema.SECTIONS[name], child, problems)
        key = _key(name, child)
        if key is not None and key in first:
            refuse(child, problems, f"is named as {first[key].place} is; each {_naming(name)} once")
            continue
        if key is not None:
            first[key] = child
        if values is not INVALID:
            entries.append(Entry(child, values))
        elif key is not None:
            sections.broken.add((name, *key))
    return entries


def _key(section: str, node: Node) -> tuple[str, ...] | None:
    """Return what names an entry, also of one with a problem; None if its name is not there."""
    if not node.is_mapping:
        return None
    keys = schema.SECTIONS[section].keys
    words: list[str] = []
    for name in NAMING[section]:
        part = node.value.get(name)
        if part is None and not keys[name].is_required:
            words.append("")
        elif part is None or part.broken or part.is_mapping or part.is_list:
            return None
        else:
            words.append(part.text)
    return tuple(words)


def _naming(section: str) -> str:
    return " and ".join(NAMING[section])
