"""What the sections share while a file is applied: who, when, what was found and what was done."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction

from apps.configuration.document import Node
from apps.configuration.plan import Change, Report
from apps.configuration.problems import Problems, join
from apps.configuration.reading import Entry, Sections
from apps.core.actors import Actor
from apps.core.errors import DomainError, Invalid


@dataclass(slots=True)
class Context:
    """One application of a file. Its changes are made in one transaction, which its problems undo."""

    actor: Actor
    at: datetime
    prune: bool
    report: Report
    problems: Problems
    sections: Sections

    @property
    def who(self) -> dict[str, Any]:
        """What every service is told."""
        return {"actor": self.actor, "at": self.at}

    def has(self, section: str) -> bool:
        """Whether the file has the section at all, be it empty."""
        return section in self.sections.entries

    def entries(self, section: str) -> list[Entry]:
        return self.sections.entries.get(section, [])

    def mark_broken(self, *key: str) -> None:
        """Remember that the file mentions this thing and that it has a problem already."""
        self.sections.broken.add(key)

    def is_broken(self, *key: str) -> bool:
        return key in self.sections.broken

    def refuse(self, node: Node, path: str, message: str) -> None:
        """Add a problem at `path` below a node, at the line of the nearest node that the file has."""
        at = nearest(node, path)
        self.problems.add(join(node.place, path), message, line=at.line)

    def attempt(
        self,
        change: Change,
        make: Callable[[], Any],
        *,
        node: Node | None = None,
        key: tuple[str, ...] = (),
        path_of: Callable[[str], str] = lambda field: field,
    ) -> bool:
        """Make one change through a service, in a savepoint; a refusal becomes problems at the node's place.

        `path_of` turns a field as the service names it into the file's key.
        """
        try:
            with transaction.atomic():
                make()
        except DomainError as error:
            for field_name, message in _errors_of(error):
                if node is None:
                    self.problems.add("", f"{change}: {message}")
                else:
                    self.refuse(node, path_of(field_name), message)
            if key:
                self.mark_broken(*key)
            return False
        self.report.changes.append(change)
        return True


def _errors_of(error: DomainError) -> tuple[tuple[str, str], ...]:
    return error.errors if isinstance(error, Invalid) else ((error.field or "", error.message),)


def nearest(node: Node, path: str) -> Node:
    """Return the deepest node on the way to `path` below `node`."""
    for step in path.replace("[", ".").replace("]", "").split("."):
        if node.is_mapping and step in node.value:
            node = node.value[step]
        elif node.is_list and step.isdigit() and int(step) < len(node.value):
            node = node.value[int(step)]
        elif step:
            break
    return node
