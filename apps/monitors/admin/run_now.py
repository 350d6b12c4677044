"""A run that a person asks for."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse

from apps.accounts.roles import EDITORS
from apps.core.unfold import action
from apps.monitors import services


class RunNow:
    """Mixin for the monitor's ModelAdmin."""

    row_of_page: Any
    may: Any
    _confirm: Any

    @action(description="Run now", permissions=["run"], url_path="run-now", icon="play_arrow")
    def run_now(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return self._confirm(
            request,
            object_id,
            title="Run {} now?",
            text="It runs at each of its locations as soon as possible, and the run counts like any other.",
            button="Run now",
            service=services.run_now,
            done="{} is about to run.",
        )

    def has_run_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        monitor = self.row_of_page(request, object_id)
        return (
            monitor is not None
            and not monitor.is_archived
            and monitor.enabled
            and self.may(request, monitor, EDITORS)
        )
