"""Create, edit and archive a configured row: validated, and audited when a person, token or command does it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, TypeVar

from django.db import IntegrityError, models, transaction

from apps.core.actors import Actor
from apps.core.audit import changes_between, record, snapshot
from apps.core.errors import Conflict, NotFound
from apps.core.models import ArchivableModel
from apps.core.validation import clean

RowT = TypeVar("RowT", bound=models.Model)
ArchivableT = TypeVar("ArchivableT", bound=ArchivableModel)


def live_row(model: type[ArchivableT], pk: int, *, lock: bool = False) -> ArchivableT:
    """Return the live row. NotFound when there is none, or it is archived."""
    rows = model._default_manager.filter(archived_at__isnull=True)
    if lock:
        rows = rows.select_for_update(no_key=True)
    row: ArchivableT | None = rows.filter(pk=pk).first()
    if row is None:
        raise NotFound("not_found", f"there is no such {model._meta.verbose_name}")
    return row


def create_row(row: RowT, *, action: str, actor: Actor, at: datetime) -> RowT:
    """Validate and insert the row. Invalid when it breaks a rule, Conflict when another was quicker."""
    clean(row)
    try:
        with transaction.atomic():
            row.save(force_insert=True)
    except IntegrityError as error:
        raise Conflict("taken", f"another {row._meta.verbose_name} has this name") from error
    if not actor.is_automation:
        record(
            actor=actor, at=at, action=action, row=row, changes=changes_between({}, snapshot(row))
        )
    return row


def edit_row(
    row: ArchivableModel, fields: Mapping[str, Any], *, action: str, actor: Actor, at: datetime
) -> dict[str, list[Any]]:
    """Set the fields (by attribute name), validate, save what differs; return {column: [before, after]}.

    Nothing is written when nothing differs. A name that is no field of the row is a TypeError.
    """
    before = snapshot(row)
    for name, value in fields.items():
        if name not in before:
            raise TypeError(f"{row._meta.label} has no field {name}")
        setattr(row, name, value)
    clean(row)
    changes = changes_between(before, snapshot(row))
    if not changes:
        return {}
    row.updated_at = at
    try:
        with transaction.atomic():
            row.save(update_fields=[*changes, "updated_at"])
    except IntegrityError as error:
        raise Conflict("taken", f"another {row._meta.verbose_name} has this name") from error
    if not actor.is_automation:
        record(actor=actor, at=at, action=action, row=row, changes=changes)
    return changes


def archive_row(row: ArchivableModel, *, action: str, actor: Actor, at: datetime) -> None:
    """Archive a live, locked row: it leaves every list, and its name becomes free."""
    row.archived_at = row.updated_at = at
    row.save(update_fields=["archived_at", "updated_at"])
    if not actor.is_automation:
        record(actor=actor, at=at, action=action, row=row)
