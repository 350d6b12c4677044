"""Find monitors by their tags."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db import models
from django.http import HttpRequest

from apps.monitors.tagging import tagged, tags_of


class TagFilter(admin.SimpleListFilter):
    """Show the monitors that have a tag. Those of live monitors that this person may see are offered."""

    title = "tag"
    parameter_name = "tag"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        rows = model_admin.get_queryset(request).filter(archived_at__isnull=True)
        return [(tag, tag) for tag in tags_of(rows)]

    def queryset(
        self, request: HttpRequest, queryset: models.QuerySet[Any]
    ) -> models.QuerySet[Any]:
        wanted = self.value()
        return queryset if wanted is None else tagged(queryset, wanted)
