"""Histories: rows that the platform writes and people read."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest

from apps.core.adminkit.access import Gated
from apps.core.adminkit.lists import BoundedPaginator
from apps.core.unfold import ModelAdmin, TabularInline


class HistoryAdmin(Gated, ModelAdmin):
    """Rows that nobody adds, changes or deletes here."""

    paginator = BoundedPaginator
    show_full_result_count = False
    list_per_page = 50
    actions = None

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class HistoryInline(TabularInline):
    """The same, below the row they belong to. Who sees that row sees these."""

    extra = 0
    can_delete = False

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return True

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
