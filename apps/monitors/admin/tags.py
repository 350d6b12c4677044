"""Find monitors by their tags."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db import models
from django.http import HttpRequest

from apps.monitors.models import Monitor


class TagFilter(admin.SimpleListFilter):
    """Show the monitors that have a tag. Those of live monitors that this person may see are offered."""

    title = "tag"
    parameter_name = "tag"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        rows = model_admin.get_queryset(request).filter(archived_at__isnull=True)
        tags = {tag for tags in _tags(rows).values() for tag in tags}
        return [(tag, tag) for tag in sorted(tags, key=str.casefold)]

    def queryset(
        self, request: HttpRequest, queryset: models.QuerySet[Any]
    ) -> models.QuerySet[Any]:
        wanted = self.value()
        if wanted is None:
            return queryset
        # SQLite has no operator for a value in a JSON list.
        return queryset.filter(
            pk__in=[pk for pk, tags in _tags(queryset).items() if wanted in tags]
        )


def _tags(rows: models.QuerySet[Any]) -> dict[int, list[str]]:
    """Return {internal id: tags} of those that have any."""
    return dict(
        Monitor.objects.filter(pk__in=rows.order_by().values("pk"))
        .exclude(tags=[])
        .order_by("pk")
        .values_list("pk", "tags")
    )
