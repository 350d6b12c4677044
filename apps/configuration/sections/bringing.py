"""Bring the things of one section to what the file says, whatever the section."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from apps.configuration.context import Context
from apps.configuration.plan import Action, Change, differences
from apps.configuration.reading import Entry

Values = dict[str, Any]
NameKey = tuple[str, ...]
"""What names a thing: its own name last, what it is named in before it."""


@dataclass(frozen=True, slots=True)
class Present:
    """A live row: its internal key, and all of it in the file's form."""

    id: int
    values: Values


@dataclass(frozen=True, slots=True)
class Bringer:
    """How the things of one section are named, made, changed and removed.

    `create` gets the values of the file, `update` what is present with the file's values over it.
    """

    section: str
    kind: str
    key_of: Callable[[Values], NameKey]
    create: Callable[[Values], Any]
    update: Callable[[int, Values], Any]
    archive: Callable[[int], Any]
    path_of: Callable[[str], str] = lambda field: field

    def bring(
        self, context: Context, entries: Iterable[Entry], present: Mapping[NameKey, Present]
    ) -> None:
        """Create what is new and update what differs. An entry with a problem leaves the others alone."""
        for entry in entries:
            self.bring_one(context, entry, present.get(self.key_of(entry.values)))

    def bring_one(self, context: Context, entry: Entry, present: Present | None) -> None:
        key = self.key_of(entry.values)
        if present is None:
            context.attempt(
                self._change("add", key),
                lambda: self.create(entry.values),
                node=entry.node,
                key=(self.section, *key),
                path_of=self.path_of,
            )
        elif found := differences(present.values, entry.values):
            context.attempt(
                Change("change", self.kind, key[-1], self.context_of(key), found),
                lambda: self.update(present.id, present.values | entry.values),
                node=entry.node,
                key=(self.section, *key),
                path_of=self.path_of,
            )

    def remove_missing(
        self,
        context: Context,
        present: Mapping[NameKey, Present],
        *,
        keep: frozenset[NameKey] = frozenset(),
    ) -> None:
        """Archive what is present and neither mentioned in the section nor to be kept."""
        mentioned = {self.key_of(entry.values) for entry in context.entries(self.section)} | keep
        self.remove(
            context,
            {
                key: row
                for key, row in present.items()
                if key not in mentioned and not context.is_broken(self.section, *key)
            },
        )

    def remove(self, context: Context, present: Mapping[NameKey, Present]) -> None:
        """Archive all of these."""
        for key, row in present.items():
            context.attempt(self._change("remove", key), partial(self.archive, row.id))

    def context_of(self, key: NameKey) -> str:
        return " / ".join(key[:-1])

    def _change(self, action: Action, key: NameKey) -> Change:
        return Change(action, self.kind, key[-1], self.context_of(key))
