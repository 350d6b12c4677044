"""What a delivery carries: frozen values with a round trip through JSON. Pure.

A `ComponentChange` is the complete set of our words on a component, so applying it twice, or after a
lost answer, is harmless. An `IncidentChange` is known at its destination by its `idempotency_key`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from apps.pages.status import ComponentStatus, worst


@dataclass(frozen=True, slots=True)
class SaidWord:
    """One link's word: `key` is the link's public id, `label` what staff read as its source."""

    key: str
    label: str
    status: str
    since: datetime


@dataclass(frozen=True, slots=True)
class ComponentChange:
    """All that our links say of one component, in the order of their keys. None: nothing is said."""

    words: tuple[SaidWord, ...]

    @property
    def status(self) -> str:
        """The worst word; operational when nothing is said."""
        return worst(word.status for word in self.words)


@dataclass(frozen=True, slots=True)
class IncidentChange:
    """An incident's opening or its resolution. `components` is {remote id: status}.

    `status` is the incident's opening status (resolved at the end), `impact` the override (empty at the end).
    """

    kind: Literal["open", "resolve"]
    name: str
    status: str
    impact: str
    message: str
    idempotency_key: str
    components: Mapping[str, str] = field(default_factory=dict)


Change = ComponentChange | IncidentChange


def to_json(change: Change) -> dict[str, Any]:
    """Return the change as JSON: {"kind": "component" | "open" | "resolve", …}; instants in ISO 8601."""
    if isinstance(change, ComponentChange):
        return {
            "kind": "component",
            "status": change.status,
            "words": [
                {
                    "key": word.key,
                    "label": word.label,
                    "status": word.status,
                    "since": word.since.isoformat(),
                }
                for word in change.words
            ],
        }
    return {
        "kind": change.kind,
        "name": change.name,
        "status": change.status,
        "impact": change.impact,
        "message": change.message,
        "components": dict(change.components),
        "idempotency_key": change.idempotency_key,
    }


def from_json(value: Mapping[str, Any]) -> Change:
    """Return the change that `to_json` wrote. ValueError for another kind."""
    kind = value["kind"]
    if kind == "component":
        return ComponentChange(
            tuple(
                SaidWord(
                    key=word["key"],
                    label=word["label"],
                    status=ComponentStatus(word["status"]).value,
                    since=datetime.fromisoformat(word["since"]),
                )
                for word in value["words"]
            )
        )
    if kind in {"open", "resolve"}:
        return IncidentChange(
            kind=kind,
            name=value["name"],
            status=value["status"],
            impact=value["impact"],
            message=value["message"],
            idempotency_key=value["idempotency_key"],
            components=dict(value["components"]),
        )
    raise ValueError(f"unknown change: {kind}")
