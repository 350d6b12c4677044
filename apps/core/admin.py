"""The audit trail, read only."""

from __future__ import annotations

import json
from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString

from apps.core.adminkit.lists import utc
from apps.core.adminkit.readonly import HistoryAdmin
from apps.core.models import AuditEvent
from apps.core.unfold import display


@admin.register(AuditEvent)
class AuditEventAdmin(HistoryAdmin):
    """Who changed what, newest first. For superusers: it names things of every workspace."""

    list_display = ["at_utc", "actor_label", "action", "object_label", "object_type"]
    list_filter = ["actor_kind", "object_type"]
    search_fields = ["object_id__exact", "actor_label", "object_label", "action"]
    search_help_text = "Who, what, a name, or an object's id"
    fields = [
        "at_utc",
        "actor_label",
        "actor_kind",
        "action",
        "object_label",
        "object_type",
        "object_id",
        "shown_changes",
    ]

    @display(description="Time", ordering="id")
    def at_utc(self, event: AuditEvent) -> str:
        return utc(event.at)

    @display(description="Changes")
    def shown_changes(self, event: AuditEvent) -> SafeString:
        text = json.dumps(event.changes, indent=2, ensure_ascii=False)
        return format_html('<pre class="console-code">{}</pre>', text)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(request.user.is_active and request.user.is_superuser)

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)
