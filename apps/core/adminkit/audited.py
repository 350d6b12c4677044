"""For the few rows that Django itself writes (people and groups): its log hooks write our audit trail."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.http import HttpRequest
from django.utils import timezone

from apps.core.adminkit.service import actor_of
from apps.core.audit import HIDDEN, record, record_many


class AuditedAdmin:
    """Mixin before Django's ModelAdmin: an AuditEvent for each write, in its transaction."""

    def construct_change_message(
        self, request: HttpRequest, form: Any, formsets: Any, add: bool = False
    ) -> dict[str, list[str]]:
        """Return {field: [before, after]} of the form's changed fields, passwords hidden."""
        return {
            name: [HIDDEN, HIDDEN]
            if "password" in name
            else [_text(form.initial.get(name)), _text(form.cleaned_data.get(name))]
            for name in form.changed_data
        }

    def log_addition(self, request: HttpRequest, obj: Any, message: Any) -> None:
        self._record(request, obj, "created", message)

    def log_change(self, request: HttpRequest, obj: Any, message: Any) -> None:
        # Setting a password logs a sentence of Django's own.
        changes = message if isinstance(message, dict) else {"password": [HIDDEN, HIDDEN]}
        if changes:
            self._record(request, obj, "updated", changes)

    def log_deletions(self, request: HttpRequest, queryset: models.QuerySet[Any]) -> None:
        rows = list(queryset)
        if rows:
            action = f"{rows[0]._meta.model_name}.deleted"
            record_many(actor=actor_of(request), at=timezone.now(), action=action, rows=rows)

    def _record(self, request: HttpRequest, row: Any, verb: str, changes: Any) -> None:
        action = f"{row._meta.model_name}.{verb}"
        record(actor=actor_of(request), at=timezone.now(), action=action, row=row, changes=changes)


def _text(value: Any) -> str:
    if isinstance(value, models.QuerySet | list | tuple | set):
        return ", ".join(sorted(str(part) for part in value))
    return "" if value is None else str(value)
