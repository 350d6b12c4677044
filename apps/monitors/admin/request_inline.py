"""The requests of a monitor in its form."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db import models
from django.http import HttpRequest

from apps.core.adminkit import PartInline
from apps.monitors.admin.request_forms import RequestForm
from apps.monitors.models import MonitorRequest


class RequestInline(PartInline):
    """The requests of a run, in their order."""

    model = MonitorRequest
    form = RequestForm
    error_path = "requests"
    ordering_field = "position"
    hide_ordering_field = True
    ordering = ["position", "id"]
    min_num = 1
    verbose_name = "request"
    fieldsets = [
        ("Paste a curl command", {"fields": ["curl_command"], "classes": ["collapse"]}),
        (None, {"fields": ["position", "method", "url", "name"]}),
        (
            "Headers and body",
            {"fields": ["header_lines", "body_kind", "body_text"], "classes": ["collapse"]},
        ),
        (
            "Authentication",
            {
                "fields": [
                    "auth_type",
                    "auth_username",
                    "auth_password",
                    "auth_token",
                    "auth_key",
                    "auth_value",
                    "auth_in",
                ],
                "classes": ["collapse"],
            },
        ),
        (None, {"fields": ["try_it", "assertion_rows", "extraction_rows"]}),
    ]

    class Media:
        css: ClassVar[dict[str, list[str]]] = {"all": ["console/monitors.css"]}
        js: ClassVar[list[str]] = ["console/order.js", "console/request.js"]

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        found = super().get_fieldsets(request, obj)
        if self.has_change_permission(request, obj):
            return found
        # Who may only look has nothing to paste or to try.
        return [
            (name, {**options, "fields": [one for one in options["fields"] if one != "try_it"]})
            for name, options in found
            if "curl_command" not in options["fields"]
        ]

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[Any]:
        rows: models.QuerySet[Any] = super().get_queryset(request)
        return rows.prefetch_related("assertions", "extractions")

    def get_formset(self, request: HttpRequest, obj: Any = None, **kwargs: Any) -> Any:
        formset: Any = super().get_formset(request, obj, **kwargs)
        formset.position_field = "position"
        return formset
