"""Pages, with their groups, components and metrics in one form."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.conf import settings
from django.contrib import admin
from django.db import models
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from apps.accounts.member_table import MemberTable, roles_in
from apps.accounts.roles import ADMINS, EDITORS, NOBODY
from apps.core.actors import Actor
from apps.core.adminkit import (
    ArchivedFilter,
    PartTable,
    ServiceModelAdmin,
    at_path,
    kept_forms,
    removed_rows,
    tag,
)
from apps.core.unfold import display
from apps.pages import services
from apps.pages.admin.forms import (
    ComponentPartForm,
    GroupForm,
    MetricForm,
    PageForm,
)
from apps.pages.models import Component, ComponentGroup, Metric, Page, PageMembership
from apps.pages.scoping import PageScoped


class LivePart(PartTable):
    """The live parts of a page; taking one away archives it."""

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[Any]:
        return super().get_queryset(request).filter(archived_at__isnull=True)


class GroupInline(LivePart):
    """Groups; their order is among the ungrouped components."""

    model = ComponentGroup
    form = GroupForm
    error_path = "groups"
    verbose_name_plural = "groups (removing one leaves its components on the page)"


class ComponentInline(LivePart):
    """Components, with links to the pages where the rest of them is edited."""

    model = Component
    form = ComponentPartForm
    error_path = "components"
    fields = ["name", "group", "position", "showcase", "hidden", "state"]
    readonly_fields = ["state"]
    show_change_link = True
    ordering = ["group__position", "position", "name", "id"]
    verbose_name_plural = "components (removing one archives it)"

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[Any]:
        return super().get_queryset(request).select_related("group")

    def get_formset(self, request: HttpRequest, obj: Any = None, **kwargs: Any) -> Any:
        formset: Any = super().get_formset(request, obj, **kwargs)
        field = formset.form.base_fields["group"]
        for allowed in ("can_add_related", "can_change_related", "can_view_related"):
            setattr(field.widget, allowed, False)
        groups = ComponentGroup.objects.live().filter(page=obj) if obj else []
        # Read once, not once for every row of the form.
        field.choices = [("", "–"), *((group.pk, str(group)) for group in groups)]
        return formset

    @display(description="Status now")
    def state(self, component: Component) -> SafeString | str:
        return tag(component.status, component.get_status_display()) if component.pk else "–"


class MetricInline(LivePart):
    """Metrics."""

    model = Metric
    form = MetricForm
    error_path = "metrics"
    verbose_name_plural = "metrics (removing one archives it)"


class MemberInline(MemberTable):
    """Who belongs to the page."""

    model = PageMembership


@admin.register(Page)
class PageAdmin(PageScoped, ServiceModelAdmin):
    """A public status page. Its editors change what is on it; its own settings are its admins'."""

    page_path = "pk"
    add_roles = NOBODY
    change_roles = EDITORS
    delete_roles = ADMINS
    form = PageForm
    list_display = ["name", "slug", "address", "component_count", "own_domain"]
    list_filter = [ArchivedFilter]
    ordering = ["name", "id"]
    search_fields = ["name", "slug", "domain"]
    prepopulated_fields = {"slug": ["name"]}
    readonly_fields = ["address"]
    fieldsets = [
        (None, {"fields": ["name", "slug", "description", "address"]}),
        ("Where and when", {"fields": ["time_zone", "domain"]}),
    ]
    inlines = [GroupInline, ComponentInline, MetricInline, MemberInline]
    archive_text = (
        "Readers get “not found” from now on. Its components, groups and metrics are archived with it, "
        "its address becomes free, and its history is kept."
    )

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[Any]:
        live = models.Q(components__archived_at__isnull=True)
        rows: models.QuerySet[Any] = super().get_queryset(request)
        counted: models.QuerySet[Any] = rows.annotate(
            live_components=models.Count("components", filter=live)
        )
        return counted

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        if obj is None:
            return [(None, {"fields": ["name", "slug", "description", "time_zone", "domain"]})]
        return super().get_fieldsets(request, obj)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        if obj is None or self.may(request, obj, ADMINS):
            return self.readonly_fields
        return [*self.readonly_fields, *PageForm.base_fields]

    def get_prepopulated_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return {} if obj else super().get_prepopulated_fields(request, obj)

    @display(description="Page")
    def address(self, page: Page) -> SafeString:
        url = f"{settings.PUBLIC_URL}/status/{page.slug}/"
        return format_html('<a href="{}" target="_blank" rel="noopener">View page</a>', url)

    @display(description="Components", ordering="live_components")
    def component_count(self, page: Any) -> SafeString:
        url = reverse("admin:pages_component_changelist")
        return format_html(
            '<a href="{}?page__id__exact={}">{}</a>', url, page.pk, page.live_components
        )

    @display(description="Domain", ordering="domain")
    def own_domain(self, page: Page) -> str:
        return page.domain or "–"

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
    ) -> Page:
        values = form.cleaned_data
        if is_new:
            page = services.create_page(**values, actor=actor, at=at)
        elif self.may(request, row, ADMINS):
            page = services.update_page(page_id=row.pk, **values, actor=actor, at=at)
        else:
            page = row
        groups, components, metrics, members = formsets
        for component in removed_rows(components):
            services.archive_component(component_id=component.pk, actor=actor, at=at)
        _write_parts(
            "groups",
            groups,
            create=lambda fields: services.create_group(
                page_id=page.pk, **fields, actor=actor, at=at
            ),
            update=lambda pk, fields: services.update_group(
                group_id=pk, **fields, actor=actor, at=at
            ),
        )
        _write_parts(
            "components",
            components,
            create=lambda fields: services.create_component(
                page_id=page.pk, **_with_keys(fields), actor=actor, at=at
            ),
            update=lambda pk, fields: services.update_component(
                component_id=pk, **_with_keys(fields), actor=actor, at=at
            ),
        )
        for group in removed_rows(groups):
            services.archive_group(group_id=group.pk, actor=actor, at=at)
        _write_parts(
            "metrics",
            metrics,
            create=lambda fields: services.create_metric(
                page_id=page.pk, **fields, actor=actor, at=at
            ),
            update=lambda pk, fields: services.update_metric(
                metric_id=pk, **fields, actor=actor, at=at
            ),
        )
        for metric in removed_rows(metrics):
            services.archive_metric(metric_id=metric.pk, actor=actor, at=at)
        if is_new or self.may(request, page, ADMINS):
            services.set_page_members(page_id=page.pk, roles=roles_in(members), actor=actor, at=at)
        return page

    def lock_row(self, key: Any) -> None:
        # Components are locked before their page.
        components = Component.objects.live().filter(page=key).order_by("pk")
        list(components.select_for_update(no_key=True).values_list("pk"))
        super().lock_row(key)

    def archive(self, *, row: Page, actor: Actor, at: datetime) -> None:
        services.archive_page(page_id=row.pk, actor=actor, at=at)


def _write_parts(path: str, formset: Any, *, create: Any, update: Any) -> None:
    """Create what is new and update what was changed; a refusal names its row."""
    for index, form in enumerate(kept_forms(formset)):
        names = set(form.cleaned_data) - {"id", "page", "DELETE"}
        with at_path(f"{path}[{index}]"):
            if form.instance.pk is None:
                create({name: form.cleaned_data[name] for name in names})
            else:
                changed = names & set(form.changed_data)
                fields = {name: form.cleaned_data[name] for name in changed}
                if fields.get("position", 0) is None:
                    del fields["position"]
                if fields:
                    update(form.instance.pk, fields)


def _with_keys(fields: dict[str, Any]) -> dict[str, Any]:
    """Services take keys: {group: row} becomes {group_id: key}."""
    if "group" not in fields:
        return fields
    group = fields["group"]
    rest = {name: value for name, value in fields.items() if name != "group"}
    return rest | {"group_id": group.pk if group else None}


class HiddenFromMenu(PageScoped, ServiceModelAdmin):
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
