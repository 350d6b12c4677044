"""The AdminSite."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import path, reverse

from apps.console.dashboard import dashboard
from apps.console.overview.first_steps import HIDDEN_COOKIE
from apps.core.adminkit.dependent import DependentAutocompleteView
from apps.core.unfold import AdminSite

HIDDEN_FOR_S = 365 * 86_400


class ConsoleSite(AdminSite):
    """Where staff configure everything."""

    site_header = site_title = "Status platform"
    index_title = "Overview"
    empty_value_display = "–"
    enable_nav_sidebar = True

    def register(self, model_or_iterable: Any, admin_class: Any = None, **options: Any) -> None:
        """Register the project's own models: those of libraries would ask Django's permissions, and say less."""
        found: list[Any] = (
            [model_or_iterable] if isinstance(model_or_iterable, type) else list(model_or_iterable)
        )
        ours = [model for model in found if model.__module__.startswith("apps.")]
        super().register(ours, admin_class, **options)

    def index(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        hides = HIDDEN_COOKIE in request.COOKIES
        context = {
            "dashboard": dashboard(request.user, hides_steps=hides),
            **(extra_context or {}),
        }
        return super().index(request, context)

    def get_urls(self) -> list[Any]:
        hide = self.admin_view(self.hide_first_steps)
        return [path("hide-first-steps/", hide, name="hide_first_steps"), *super().get_urls()]

    def hide_first_steps(self, request: HttpRequest) -> HttpResponse:
        """Show the guided set-up no more in this browser."""
        response = HttpResponseRedirect(reverse("admin:index"))
        if request.method == "POST":
            response.set_cookie(
                HIDDEN_COOKIE,
                "yes",
                max_age=HIDDEN_FOR_S,
                path=reverse("admin:index"),
                secure=request.is_secure(),
                httponly=True,
                samesite="Lax",
            )
        return response

    def autocomplete_view(self, request: HttpRequest) -> Any:
        return DependentAutocompleteView.as_view(admin_site=self)(request)
