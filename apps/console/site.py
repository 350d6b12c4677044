"""The AdminSite."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest

from apps.console.dashboard import dashboard
from apps.core.adminkit.dependent import DependentAutocompleteView
from apps.core.unfold import AdminSite


class ConsoleSite(AdminSite):
    """Where staff configure everything."""

    site_header = site_title = "Status platform"
    index_title = "Overview"
    empty_value_display = "–"
    enable_nav_sidebar = True

    def register(self, model_or_iterable: Any, admin_class: Any = None, **options: Any) -> None:
        """Register all but the scheduler's own tables: its tasks are in statusplatform/schedule.py."""
        found: list[Any] = (
            [model_or_iterable] if isinstance(model_or_iterable, type) else list(model_or_iterable)
        )
        ours = [model for model in found if model._meta.app_label != "django_celery_beat"]
        super().register(ours, admin_class, **options)

    def index(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        context = {"dashboard": dashboard(request.user), **(extra_context or {})}
        return super().index(request, context)

    def autocomplete_view(self, request: HttpRequest) -> Any:
        return DependentAutocompleteView.as_view(admin_site=self)(request)
