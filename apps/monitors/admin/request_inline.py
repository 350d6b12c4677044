"""The requests of a monitor in its form."""

from __future__ import annotations

from typing import Any

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
        (None, {"fields": ["position", "method", "url", "name"]}),
        (None, {"fields": ["assertion_rows", "extraction_rows"]}),
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
    ]

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[Any]:
        rows: models.QuerySet[Any] = super().get_queryset(request)
        return rows.prefetch_related("assertions", "extractions")

    def get_formset(self, request: HttpRequest, obj: Any = None, **kwargs: Any) -> Any:
        formset: Any = super().get_formset(request, obj, **kwargs)
        formset.position_field = "position"
        return formset
