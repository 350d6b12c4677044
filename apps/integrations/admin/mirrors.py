"""What destinations offer, as last seen: pages, components and metrics to choose from. Nobody edits them."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db import models
from django.db.models import Q
from django.http import HttpRequest

from apps.accounts.roles import VIEWERS
from apps.accounts.scoping import roles_in_workspaces
from apps.core.adminkit import ArchivedFilter, HistoryAdmin
from apps.core.adminkit.access import is_superuser
from apps.integrations.models import (
    Connector,
    ConnectorComponent,
    ConnectorMetric,
    ConnectorPage,
)
from apps.pages.models import Page
from apps.pages.scoping import roles_on_pages


def pages_open_to(
    request: HttpRequest, rows: models.QuerySet[Any], roles: frozenset[str], path: str = ""
) -> models.QuerySet[Any]:
    """Return those of the rows whose page (by the lookup `path`, such as `page__`) the person has one of the roles on.

    Our own pages have members. For pages elsewhere there are none: one of the roles in some workspace is enough.
    """
    if is_superuser(request):
        return rows
    native = Q(**{f"{path}connector__provider": Connector.Provider.NATIVE})
    keys = [pk for pk, role in roles_on_pages(request).items() if role in roles]
    ours = Page.objects.filter(pk__in=keys).values("public_id")
    allowed = native & Q(**{f"{path}remote_id__in": ours})
    if any(role in roles for role in roles_in_workspaces(request).values()):
        allowed |= ~native
    return rows.filter(allowed)


def may_use_page(request: HttpRequest, page: ConnectorPage, roles: frozenset[str]) -> bool:
    """Tell whether the person has one of the roles on the page, whatever became of it; asked once a request."""
    if is_superuser(request):
        return True
    known: dict[Any, bool] = request.__dict__.setdefault("console_connector_pages", {})
    key = (page.pk, roles)
    if key not in known:
        rows = ConnectorPage.objects.filter(pk=page.pk)
        known[key] = pages_open_to(request, rows, roles).exists()
    return known[key]


class MirrorAdmin(HistoryAdmin):
    """What a destination offers, as last seen. It is chosen from, not edited."""

    page_path = "page__"

    def has_module_permission(self, request: HttpRequest) -> bool:
        return False

    def allows(self, request: HttpRequest, what: str, row: Any = None) -> bool:
        if super().allows(request, what, row):
            return True
        if what != "view":
            return False
        if row is None:
            return bool(roles_in_workspaces(request) or roles_on_pages(request))
        seen = self.narrowed(request, self.model._default_manager.filter(pk=row.pk), VIEWERS)
        return bool(seen.exists())

    def narrowed(
        self, request: HttpRequest, rows: models.QuerySet[Any], roles: frozenset[str]
    ) -> models.QuerySet[Any]:
        return pages_open_to(request, rows, roles, self.page_path)

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[Any]:
        return self.narrowed(request, super().get_queryset(request), VIEWERS)


@admin.register(ConnectorPage)
class ConnectorPageAdmin(MirrorAdmin):
    """A page of a connector."""

    page_path = ""
    list_display = ["name", "connector", "slug"]
    list_filter = [ArchivedFilter, "connector"]
    list_select_related = ["connector"]
    search_fields = ["name", "slug"]
    fields = ["name", "connector", "slug", "remote_id"]


@admin.register(ConnectorComponent)
class ConnectorComponentAdmin(MirrorAdmin):
    """A component of a connector's page."""

    list_display = ["name", "group_name", "page"]
    list_filter = [ArchivedFilter]
    list_select_related = ["page"]
    search_fields = ["name", "group_name"]
    fields = ["name", "group_name", "page", "remote_id"]


@admin.register(ConnectorMetric)
class ConnectorMetricAdmin(MirrorAdmin):
    """A metric of a connector's page."""

    list_display = ["name", "page"]
    list_filter = [ArchivedFilter]
    list_select_related = ["page"]
    search_fields = ["name"]
    fields = ["name", "page", "remote_id"]
