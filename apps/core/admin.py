"""The audit trail, read only."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import models
from django.http import (
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseRedirect,
    StreamingHttpResponse,
)
from django.template.response import TemplateResponse
from django.urls import NoReverseMatch, URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from apps.core.adminkit.access import is_superuser
from apps.core.adminkit.readonly import HistoryAdmin
from apps.core.audit_screen.changes import SHORT, lines_of, model_of
from apps.core.audit_screen.export import as_csv, as_json_lines
from apps.core.audit_screen.narrowing import KINDS, Narrowing
from apps.core.audit_words import thing
from apps.core.models import AuditEvent, AuditSeal
from apps.core.unfold import ChangeList, display

EXPORT_CHUNK = 500
FIELDS_IN_LIST = 4


class TrailList(ChangeList):
    """A list narrowed by a form of ours instead of the theme's filters."""

    narrowing: Narrowing

    def get_filters_params(self, params: Any = None) -> dict[str, Any]:
        found: dict[str, Any] = super().get_filters_params(params)
        return {name: value for name, value in found.items() if name not in Narrowing.base_fields}

    def get_queryset(self, request: HttpRequest, exclude_parameters: Any = None) -> Any:
        self.narrowing = Narrowing(request.GET)
        return self.narrowing.applied_to(super().get_queryset(request, exclude_parameters))


@admin.register(AuditEvent)
class AuditEventAdmin(HistoryAdmin):
    """Who changed what, newest first. For superusers: it names things of every workspace."""

    list_display = ["when", "who", "what", "fields_changed", "where_from"]
    list_display_links = ["what"]
    list_before_template = "admin/console/audit_narrowing.html"
    ordering = ["-id"]
    sortable_by = ()

    class Media:
        js = ["console/local_times.js"]

    def allows(self, request: HttpRequest, what: str, row: Any = None) -> bool:
        return what == "view" and is_superuser(request)

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return TrailList

    def get_urls(self) -> list[URLPattern]:
        def named(route: str, view: Callable[..., Any], name: str) -> Any:
            return path(route, self.admin_site.admin_view(view), name=f"core_auditevent_{name}")

        return [
            named("export.csv", self.export_csv, "csv"),
            named("export.jsonl", self.export_json_lines, "jsonl"),
            named("<int:event_id>/object/", self.go_to_object, "object"),
            *super().get_urls(),
        ]

    # The list.

    @display(description="Time (UTC)")
    def when(self, event: AuditEvent) -> SafeString:
        return format_html(
            '<time class="console-nowrap" datetime="{}" data-local-time>{}</time>',
            event.at.isoformat(),
            f"{event.at:%Y-%m-%d %H:%M:%S}",
        )

    @display(description="Who")
    def who(self, event: AuditEvent) -> SafeString:
        return format_html(
            '{}<br><small class="console-quiet">{}</small>', event.actor_label, _kind(event)
        )

    @display(description="What")
    def what(self, event: AuditEvent) -> str:
        words = event.in_words
        return words[:1].upper() + words[1:]

    @display(description="Fields")
    def fields_changed(self, event: AuditEvent) -> str:
        names = [line.field for line in lines_of(event, at_most=SHORT)]
        more = len(names) - FIELDS_IN_LIST
        return ", ".join(names[:FIELDS_IN_LIST]) + (f" and {more} more" if more > 0 else "")

    @display(description="From where")
    def where_from(self, event: AuditEvent) -> SafeString:
        return format_html(
            '{}<br><small class="console-quiet">{}</small>',
            event.get_channel_display() or "–",
            event.address,
        )

    # One event.

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        event = self._event(object_id)
        seal = AuditSeal.objects.filter(last_id__gte=event.pk).order_by("number").first()
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "original": event,
            "title": f"{event.actor_label} {event.in_words}",
            "event": event,
            "kind": _kind(event),
            "thing": thing(event.object_type),
            "lines": lines_of(event),
            "seal": seal,
            "media": self.media,
            **(extra_context or {}),
        }
        return TemplateResponse(request, "admin/console/audit_event.html", context)

    def go_to_object(self, request: HttpRequest, event_id: int) -> HttpResponse:
        """Lead to the screen of what the event is about; back with a word where there is none any more."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        event = self._event(event_id)
        model = model_of(event.object_type)
        manager: Any = getattr(model, "_base_manager", None)
        has_id = model is not None and any(one.name == "public_id" for one in model._meta.fields)
        row = manager.filter(public_id=event.object_id).first() if has_id else None
        if row is not None:
            opts = row._meta
            try:
                name = f"admin:{opts.app_label}_{opts.model_name}_change"
                return HttpResponseRedirect(reverse(name, args=[row.pk]))
            except NoReverseMatch:
                pass
        messages.info(request, f"{event.object_label} has no screen of its own.")
        return HttpResponseRedirect(reverse("admin:core_auditevent_change", args=[event.pk]))

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: Any = None
    ) -> HttpResponse:
        # An event has no history; it is one.
        return HttpResponseRedirect(reverse("admin:core_auditevent_change", args=[object_id]))

    def _event(self, key: Any) -> AuditEvent:
        text = str(key)
        event = AuditEvent.objects.filter(pk=int(text)).first() if _is_key(text) else None
        if event is None:
            raise Http404("There is no event with this key.")
        return event

    # Files.

    def export_csv(self, request: HttpRequest) -> StreamingHttpResponse:
        """Send what the list would show, all of it, as CSV."""
        return self._export(request, as_csv, "text/csv; charset=utf-8", "csv")

    def export_json_lines(self, request: HttpRequest) -> StreamingHttpResponse:
        """Send what the list would show, all of it, one JSON object a line."""
        return self._export(request, as_json_lines, "application/x-ndjson", "jsonl")

    def _export(
        self,
        request: HttpRequest,
        write: Callable[[Iterable[AuditEvent]], Iterator[str]],
        content_type: str,
        ending: str,
    ) -> StreamingHttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        chosen = Narrowing(request.GET).applied_to(AuditEvent.objects.order_by("-id"))
        response = StreamingHttpResponse(write(_in_chunks(chosen)), content_type=content_type)
        name = f"audit-{timezone.now():%Y%m%d-%H%M%S}.{ending}"
        response["Content-Disposition"] = f'attachment; filename="{name}"'
        return response


def _in_chunks(rows: models.QuerySet[AuditEvent]) -> Iterator[AuditEvent]:
    """Give the events, newest first, some at a time: no cursor stays open while a slow reader takes them."""
    before: int | None = None
    while True:
        chunk = list((rows if before is None else rows.filter(pk__lt=before))[:EXPORT_CHUNK])
        yield from chunk
        if len(chunk) < EXPORT_CHUNK:
            return
        before = chunk[-1].pk


def _kind(event: AuditEvent) -> str:
    words = {"person": "Person", "token": "API token", "command": "Command"}
    return words.get(event.actor_kind) or dict(KINDS).get(event.actor_kind, event.actor_kind)


def _is_key(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 19
