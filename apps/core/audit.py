"""Write the audit trail. Services call `record` in the transaction of the change."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from django.db import models

from apps.core.actors import Actor
from apps.core.fields import EncryptedTextField
from apps.core.models import AuditEvent
from apps.core.origins import origin_of

HIDDEN = "•••"


def snapshot(row: models.Model) -> dict[str, Any]:
    """Return {column: comparable value} of a row's own columns; secrets only as set or not."""
    values: dict[str, Any] = {}
    for field in row._meta.concrete_fields:
        value = field.value_from_object(row)
        if isinstance(field, EncryptedTextField):
            # The stored form differs at each encryption, so the plain one is compared, by hash of identity only.
            values[field.attname] = concealed(value)
        elif isinstance(value, (str, int, float, bool, list, dict, type(None))):
            values[field.attname] = value
        else:
            values[field.attname] = str(value)
    return values


def concealed(value: Any) -> Any:
    """Return a stand-in for a snapshot: it compares as `value` does, and is kept as set or not."""
    return _Secret(value)


class _Secret:
    """A value that compares but never prints."""

    __slots__ = ("_value",)

    def __init__(self, value: Any) -> None:
        self._value = value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Secret) and other._value == self._value

    def __hash__(self) -> int:
        return hash(repr(self._value))

    def __repr__(self) -> str:
        return HIDDEN if self._value else ""


IGNORED = {"id", "public_id", "created_at", "updated_at"}


def changes_between(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, list[Any]]:
    """Return {column: [before, after]} of what differs, secrets hidden."""
    return {
        name: [_plain(before.get(name)), _plain(after.get(name))]
        for name in sorted(before.keys() | after.keys())
        if name not in IGNORED and before.get(name) != after.get(name)
    }


def _plain(value: Any) -> Any:
    return repr(value) if isinstance(value, _Secret) else value


def record(
    *,
    actor: Actor,
    at: datetime,
    action: str,
    row: models.Model,
    changes: Mapping[str, Any] | None = None,
) -> None:
    """Append one event about `row`, a model with a public id."""
    record_many(actor=actor, at=at, action=action, rows=[row], changes=changes)


def record_many(
    *,
    actor: Actor,
    at: datetime,
    action: str,
    rows: Iterable[models.Model],
    changes: Mapping[str, Any] | None = None,
) -> None:
    """Append one event for each row, in one statement, with where the actor acts from."""
    origin = origin_of(actor)
    AuditEvent.objects.bulk_create(
        AuditEvent(
            at=at,
            actor_kind=actor.kind,
            actor_key=actor.key,
            # Names of people and of tokens may be longer than the column: no change is refused for that.
            actor_label=actor.label[:200],
            action=action,
            object_type=row._meta.label_lower,
            object_id=str(getattr(row, "public_id", row.pk)),
            object_label=str(row)[:255],
            changes=dict(changes or {}),
            channel=origin.channel,
            address=origin.address,
            session=origin.session,
        )
        for row in rows
    )
