"""Outages, read only."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db import models
from django.http import HttpRequest
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from apps.accounts.scoping import WorkspaceScoped
from apps.core.adminkit import HistoryAdmin, lasting, link, tag, utc
from apps.core.unfold import display
from apps.monitors.admin import hands
from apps.monitors.models import Outage


class OpenFilter(admin.SimpleListFilter):
    """Open, or over."""

    title = "state"
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("open", "Open"), ("over", "Over")]

    def queryset(
        self, request: HttpRequest, queryset: models.QuerySet[Any]
    ) -> models.QuerySet[Any]:
        if self.value() is None:
            return queryset
        return queryset.filter(closed_at__isnull=self.value() == "open")


@admin.register(Outage)
class OutageAdmin(WorkspaceScoped, HistoryAdmin):
    """Stretches in which a monitor was failing."""

    workspace_path = "monitor__workspace"
    list_display = ["monitor", "state", "opened", "closed", "lasted", "reason"]
    list_filter = [OpenFilter, "close_reason"]
    list_select_related = ["monitor"]
    search_fields = ["monitor__name", "reason"]
    fields = ["monitor_link", "state", "started", "opened", "closed", "lasted", "reason", "made"]

    @display(description="Monitor")
    def monitor_link(self, outage: Outage) -> SafeString | str:
        return link(outage.monitor)

    def get_object(self, request: HttpRequest, object_id: str, from_field: Any = None) -> Any:
        outage = super().get_object(request, object_id, from_field)
        if outage is not None:
            outage.console_made = hands.made_by(request, [outage])[outage.pk]
        return outage

    @display(description="What it made")
    def made(self, outage: Outage) -> SafeString | str:
        found: list[hands.Made] = getattr(outage, "console_made", [])
        lines = [
            (
                format_html('<a href="{}">{}</a>', one.url, one.name) if one.url else one.name,
                one.note,
            )
            for one in found
        ]
        return format_html_join("", "<p>{} {}</p>", lines) or "No incident."

    @display(description="State")
    def state(self, outage: Outage) -> SafeString:
        if outage.is_open:
            return tag("failing", "Open")
        return tag(outage.close_reason, outage.get_close_reason_display())

    @display(description="First failing run")
    def started(self, outage: Outage) -> str:
        return utc(outage.started_at)

    @display(description="Opened", ordering="opened_at")
    def opened(self, outage: Outage) -> str:
        return utc(outage.opened_at)

    @display(description="Closed", ordering="closed_at")
    def closed(self, outage: Outage) -> str:
        return utc(outage.closed_at)

    @display(description="Lasted")
    def lasted(self, outage: Outage) -> str:
        return lasting(outage.opened_at, outage.closed_at or timezone.now())
