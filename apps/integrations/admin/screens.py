"""What is done with a saved integration: its run log, a rehearsal, pausing, duplicating; and the preview of its form."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.safestring import SafeString

from apps.core.adminkit import Confirmation, actor_of, link, utc
from apps.core.markdown import render
from apps.core.unfold import action
from apps.incidents.models import Incident
from apps.integrations import services
from apps.integrations.admin.knowledge import warn_of_left
from apps.integrations.admin.previews import (
    draft_from,
    own_key,
    preview_html,
    seen_workspaces,
)
from apps.integrations.changes import ComponentChange, to_json
from apps.integrations.models import Integration
from apps.integrations.preview import Line, Scene, draft_of, preview_of, scene_of
from apps.integrations.rehearsal import Planned
from apps.integrations.run_log import Entry, action_words, run_log
from apps.integrations.selectors import incidents_tended_by
from apps.monitors.models import Monitor
from apps.pages.status import ComponentStatus

LOG_PER_PAGE = 50
LOG_SHOWN = 8
REHEARSED_OUTAGE = timedelta(minutes=5)


class IntegrationScreens:
    """Mixin before the integration's ModelAdmin."""

    admin_site: Any
    opts: Any
    media: Any

    def get_custom_urls(self) -> tuple[Any, ...]:
        """Return the addresses besides those of the actions: (path, name, view)."""
        return (
            ("preview/", "integrations_integration_preview", self.preview),
            ("<path:object_id>/run-log/", "integrations_integration_run_log", self.run_log),
        )

    # Before saving.

    def preview(self, request: HttpRequest, **_: Any) -> HttpResponse:
        """Answer with the preview of what was posted, as a piece of HTML. Nothing is written."""
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        screen: Any = self
        own = own_key(request, self)
        if own is None and not screen.has_add_permission(request):
            raise PermissionDenied
        draft = draft_from(request, request.POST, site=self.admin_site, integration_id=own)
        return HttpResponse(preview_html(request, draft))

    # After saving.

    def run_log(self, request: HttpRequest, object_id: str, **_: Any) -> HttpResponse:
        """Show the run log page by page, the newest entries first."""
        row = self._visible(request, object_id)
        before = request.GET.get("before", "")
        start = (
            int(before) if before.isascii() and before.isdecimal() and len(before) < 19 else None
        )
        found = run_log(row, limit=LOG_PER_PAGE + 1, before=start)
        shown = found[:LOG_PER_PAGE]
        return TemplateResponse(
            request,
            "admin/integrations/run_log.html",
            {
                **self._context(request, row, f"Run log of {row}"),
                "entries": log_rows(shown),
                "older": shown[-1].delivery.pk if len(found) > LOG_PER_PAGE else "",
                "is_first_page": start is None,
                **self._about_log(request, row),
            },
        )

    @action(description="Test", url_path="test", icon="science")
    def rehearsal(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Show what would be sent if the monitor failed now, and passed five minutes later."""
        row = self._visible(request, object_id)
        scene = scene_of(draft_of(row), seen=seen_workspaces(request))
        now = timezone.now()
        played = scene.rehearse(fails_at=now, recovers_at=now + REHEARSED_OUTAGE)
        preview = preview_of(scene)
        return TemplateResponse(
            request,
            "admin/integrations/rehearsal.html",
            {
                **self._context(request, row, f"Test of {row}"),
                "preview": preview,
                "told": preview.told,
                "steps": [
                    (preview.fails_title, _planned(scene, played.fails, preview.fails)),
                    (preview.recovers_title, _planned(scene, played.recovers, preview.recovers)),
                ],
            },
        )

    @action(description="Pause", permissions=["pause"], url_path="pause", icon="pause")
    def pause(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return self._set_enabled(
            request,
            object_id,
            enabled=False,
            title="Pause {}?",
            text=_of_pausing,
            button="Pause",
            done="{} is paused.",
        )

    @action(description="Resume", permissions=["resume"], url_path="resume", icon="resume")
    def resume(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return self._set_enabled(
            request,
            object_id,
            enabled=True,
            title="Resume {}?",
            text=_of_resuming,
            button="Resume",
            done="{} acts again.",
        )

    @action(
        description="Duplicate",
        permissions=["duplicate"],
        url_path="duplicate",
        icon="content_copy",
    )
    def duplicate(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Open the form of a new one, filled in as this one. Nothing is saved by this."""
        row = self._visible(request, object_id)
        address = reverse("admin:integrations_integration_add")
        return HttpResponseRedirect(f"{address}?{urlencode({'copy_of': row.pk})}")

    def has_pause_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        row = self._changeable(request, object_id)
        return row is not None and row.enabled

    def has_resume_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        row = self._changeable(request, object_id)
        return row is not None and not row.enabled

    def has_duplicate_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        screen: Any = self
        row = screen.row_of_page(request, object_id)
        return row is not None and bool(screen.allows(request, "change", row))

    def open_incidents(self, request: HttpRequest, row: Integration) -> list[SafeString | str]:
        """Return the open incidents that it tends, as links where the person may see them."""
        incidents = incidents_tended_by(row.pk)
        if not incidents:
            return []
        rows = self.admin_site.get_model_admin(Incident).get_queryset(request)
        seen = set(rows.filter(pk__in=[one.pk for one in incidents]).values_list("pk", flat=True))
        return [link(one) if one.pk in seen else str(one) for one in incidents]

    def _set_enabled(
        self,
        request: HttpRequest,
        object_id: str,
        *,
        enabled: bool,
        title: str,
        text: Any,
        button: str,
        done: str,
    ) -> HttpResponse:
        screen: Any = self
        row = screen.get_row(request, object_id)

        def run(_: dict[str, Any]) -> str:
            at = timezone.now()
            services.set_enabled(
                integration_id=row.pk, enabled=enabled, actor=actor_of(request), at=at
            )
            warn_of_left(request, row, at)
            return done.format(row)

        return Confirmation(
            title=title.format(row), text=text(row), button=button, run=run
        ).respond(request, model_admin=self, row=row)

    def _changeable(self, request: HttpRequest, object_id: Any) -> Integration | None:
        screen: Any = self
        row: Integration | None = screen.row_of_page(request, object_id)
        return row if row is not None and screen.has_change_permission(request, row) else None

    def _visible(self, request: HttpRequest, object_id: str) -> Integration:
        screen: Any = self
        row: Integration = screen.get_row(request, object_id)
        if not screen.has_view_or_change_permission(request, row):
            raise PermissionDenied
        return row

    def _about_log(self, request: HttpRequest, row: Integration) -> dict[str, Any]:
        """Return what the log says of itself: when it was read, and where the runs are."""
        monitors = self.admin_site.get_model_admin(Monitor)
        return {
            "read_at": utc(timezone.now()),
            "runs_url": reverse("admin:monitors_monitor_runs", args=[row.monitor_id])
            if monitors.has_view_permission(request, row.monitor)
            else "",
            "log_url": reverse("admin:integrations_integration_run_log", args=[row.pk]),
        }

    def _context(self, request: HttpRequest, row: Integration, title: str) -> dict[str, Any]:
        return {
            **self.admin_site.each_context(request),
            "title": title,
            "opts": self.opts,
            "original": row,
            "integration": row,
            "back": reverse("admin:integrations_integration_change", args=[row.pk]),
            "media": self.media,
        }


def log_rows(entries: Sequence[Entry]) -> list[dict[str, Any]]:
    """Return the entries as a table shows them."""
    return [
        {
            "at": utc(one.happened_at),
            "result": one.result,
            "result_label": one.result_label,
            "reason": one.reason,
            "action": one.action,
            "target": one.target,
            "state": one.delivery.state,
            "state_label": one.delivery.get_state_display(),
            "error": one.delivery.last_error,
            "attempts": one.delivery.attempts,
            "url": reverse("admin:integrations_delivery_change", args=[one.delivery.pk]),
        }
        for one in entries
    ]


def _planned(
    scene: Scene, planned: Sequence[Planned], lines: Sequence[Line]
) -> list[dict[str, Any]]:
    """Return the deliveries of a rehearsal as its page shows them. `lines` tell the same ones in sentences."""
    page = scene.page.name if scene.page else ""
    rows = []
    for number, (one, line) in enumerate(zip(planned, lines, strict=True), start=1):
        change = one.change
        facts = scene.component(one.component_id) if one.component_id is not None else None
        is_component = isinstance(change, ComponentChange)
        rows.append(
            {
                "number": number,
                "action": action_words(change, "component" if is_component else "incident"),
                "target": facts.name if facts else page,
                "words": [
                    {
                        "label": word.label,
                        "status": word.status,
                        "status_label": ComponentStatus(word.status).label,
                    }
                    for word in (change.words if isinstance(change, ComponentChange) else ())
                ],
                "text": line.text,
                "quote": render(line.quote) if line.quote else "",
                "stays": facts.is_covered if facts else False,
                "stream": one.stream,
                "json": json.dumps(to_json(change), indent=2, ensure_ascii=False),
            }
        )
    return rows


def _of_pausing(row: Integration) -> str:
    incidents = incidents_tended_by(row.pk)
    return f"What it says of components is taken back at once. {_left(incidents)} Its settings and its run log stay."


def _left(incidents: Sequence[Incident]) -> str:
    if not incidents:
        return "It has no open incident."
    names = ", ".join(f"“{incident}”" for incident in incidents)
    if len(incidents) == 1:
        return f"The open incident {names} stays open and is left to you: nobody resolves it by itself any more."
    return f"The open incidents {names} stay open and are left to you: nobody resolves them by themselves any more."


def _of_resuming(row: Integration) -> str:
    text = "It acts from now on."
    if row.monitor.outages.filter(closed_at__isnull=True).exists():
        return f"{text} The monitor {row.monitor} is failing, so what is said of failing is on the page at once."
    return text
