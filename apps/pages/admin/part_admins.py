"""Screens of their own for groups and metrics."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from apps.core.actors import Actor
from apps.core.adminkit import ArchivedFilter, DependentSelects, ServiceModelAdmin
from apps.pages import services
from apps.pages.admin.forms import GroupForm, MetricForm
from apps.pages.models import ComponentGroup, Metric
from apps.pages.scoping import PageScoped


class HiddenFromMenu(PageScoped, DependentSelects, ServiceModelAdmin):
    """Reached from a page or an autocomplete, not from the menu."""

    list_filter = [ArchivedFilter, ("page", admin.RelatedOnlyFieldListFilter)]
    list_select_related = ["page"]
    autocomplete_fields = ["page"]

    def has_module_permission(self, request: HttpRequest) -> bool:
        return False

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return ["page"] if obj else []


@admin.register(ComponentGroup)
class ComponentGroupAdmin(HiddenFromMenu):
    """A group of components."""

    form = GroupForm
    list_display = ["name", "page"]
    search_fields = ["name", "page__name"]
    fields = ["page", "name", "description", "position"]
    archive_text = "Its components stay on the page, at the end."

    def write(
        self,
        *,
        request: HttpRequest,
        row: Any,
        form: Any,
        formsets: Sequence[Any],
        is_new: bool,
        actor: Actor,
        at: datetime,
    ) -> ComponentGroup:
        values = dict(form.cleaned_data)
        page = values.pop("page", None)
        if is_new:
            return services.create_group(page_id=page.pk, **values, actor=actor, at=at)
        if values["position"] is None:
            del values["position"]
        return services.update_group(group_id=row.pk, **values, actor=actor, at=at)

    def archive(self, *, row: ComponentGroup, actor: Actor, at: datetime) -> None:
        services.archive_group(group_id=row.pk, actor=actor, at=at)


@admin.register(Metric)
class MetricAdmin(HiddenFromMenu):
    """A number shown over time on a page."""

    form = MetricForm
    list_display = ["name", "unit", "page", "hidden"]
    search_fields = ["name", "page__name"]
    fields = ["page", "name", "unit", "position", "hidden"]
    archive_text = "It leaves the page; its points are kept."

    def write(
        self,
        *,
        request: HttpRequest,
        row: Any,
        form: Any,
        formsets: Sequence[Any],
        is_new: bool,
        actor: Actor,
        at: datetime,
    ) -> Metric:
        values = dict(form.cleaned_data)
        page = values.pop("page", None)
        if is_new:
            return services.create_metric(page_id=page.pk, **values, actor=actor, at=at)
        if values["position"] is None:
            del values["position"]
        return services.update_metric(metric_id=row.pk, **values, actor=actor, at=at)

    def archive(self, *, row: Metric, actor: Actor, at: datetime) -> None:
        services.archive_metric(metric_id=row.pk, actor=actor, at=at)
