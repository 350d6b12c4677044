"""Pages, with their groups, components and metrics in one form."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, ClassVar

from django.contrib import admin, messages
from django.db import models
from django.http import HttpRequest, HttpResponse
from django.urls import path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from apps.accounts.member_table import MemberTable, roles_in
from apps.accounts.roles import ADMINS, EDITORS, NOBODY
from apps.core.actors import Actor
from apps.core.adminkit import ArchivedFilter, ServiceModelAdmin
from apps.core.unfold import display
from apps.pages import services
from apps.pages.admin import addresses
from apps.pages.admin.board import board_of
from apps.pages.admin.forms import PageForm
from apps.pages.admin.moves import moves_of
from apps.pages.admin.once import once
from apps.pages.admin.outlets import outlet
from apps.pages.admin.parts import ComponentInline, GroupInline, MetricInline
from apps.pages.admin.preview import preview
from apps.pages.admin.writing import write_board, write_metrics
from apps.pages.models import Component, Page, PageMembership
from apps.pages.scoping import PageScoped
from apps.pages.status import ComponentStatus


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
    change_form_template = "admin/pages/page_form.html"
    list_display = ["name", "address", "component_count", "trouble", "own_domain"]
    list_filter = [ArchivedFilter]
    ordering = ["name", "id"]
    search_fields = ["name", "slug", "domain"]
    prepopulated_fields = {"slug": ["name"]}
    readonly_fields = ["addresses"]
    fieldsets = [
        (None, {"fields": ["name", "slug", "description", "time_zone", "domain"]}),
        (
            "Who may post",
            {
                "fields": ["requires_approval"],
                "description": (
                    "It holds for posts and changes of incidents, maintenance and recurring maintenance. A component's "
                    "own status, corrections of its past, and taking something off the page wait for nobody."
                ),
            },
        ),
    ]
    found = (
        "Where readers find it, and what goes into other sites",
        {"fields": ["addresses"], "classes": ["collapse"]},
    )
    inlines = [GroupInline, ComponentInline, MetricInline, MemberInline]
    archive_text = (
        "Readers get “not found” from now on. Its components, groups and metrics are archived with it, "
        "its address becomes free, and its history is kept."
    )

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[Any]:
        live = models.Q(components__archived_at__isnull=True)
        well = models.Q(components__status=ComponentStatus.OPERATIONAL)
        rows: models.QuerySet[Any] = super().get_queryset(request)
        counted: models.QuerySet[Any] = rows.annotate(
            live_components=models.Count("components", filter=live),
            troubled=models.Count("components", filter=live & ~well),
        )
        return counted

    class Media:
        css: ClassVar = {"all": ["console/page.css"]}
        js = ("console/page-board.js", "console/page-preview.js", "console/copy.js")

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        return [*self.fieldsets, *([self.found] if obj else [])]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        if obj is None or self.may(request, obj, ADMINS):
            return self.readonly_fields
        return [*self.readonly_fields, *PageForm.base_fields]

    def get_prepopulated_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return {} if obj else super().get_prepopulated_fields(request, obj)

    def get_urls(self) -> list[Any]:
        wrap = self.admin_site.admin_view
        return [
            path("add/preview/", wrap(self.preview_new), name="pages_page_preview_new"),
            path("<path:object_id>/preview/", wrap(self.preview), name="pages_page_preview"),
            path("<path:object_id>/domain/", wrap(self.domain), name="pages_page_domain"),
            *super().get_urls(),
        ]

    def preview_new(self, request: HttpRequest) -> HttpResponse:
        return preview(request, self, None)

    def preview(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return preview(request, self, self.get_row(request, object_id))

    def domain(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return addresses.domain_screen(request, self, self.get_row(request, object_id))

    def render_change_form(
        self,
        request: HttpRequest,
        context: dict[str, Any],
        add: bool = False,
        change: bool = False,
        form_url: str = "",
        obj: Any = None,
    ) -> Any:
        formsets = {one.formset.prefix: one for one in context["inline_admin_formsets"]}
        groups = formsets.get("groups")
        if groups is not None:
            may_change = (
                self.has_change_permission(request, obj)
                if obj
                else self.has_add_permission(request)
            )
            context["board"] = board_of(
                groups.formset, formsets["components"].formset, may_change=may_change
            )
            if may_change:
                name = "pages_page_preview" if obj else "pages_page_preview_new"
                args = [obj.pk] if obj else []
                context["preview_url"] = reverse(f"admin:{name}", args=args)
        return super().render_change_form(request, context, add, change, form_url, obj)

    @display(description="Public page", ordering="slug")
    def address(self, page: Page) -> SafeString:
        url = outlet().address(page)
        return format_html(
            '<a href="{}/" target="_blank" rel="noopener">{}</a>', url, f"/status/{page.slug}/"
        )

    @display(description="Addresses")
    def addresses(self, page: Page) -> str:
        return once(page, "addresses", lambda: addresses.table(page))

    @display(description="Components", ordering="live_components")
    def component_count(self, page: Any) -> SafeString:
        url = reverse("admin:pages_component_changelist")
        return format_html(
            '<a href="{}?page__id__exact={}">{}</a>', url, page.pk, page.live_components
        )

    @display(description="Now", ordering="troubled")
    def trouble(self, page: Any) -> SafeString | str:
        if not page.troubled:
            return "All operational" if page.live_components else "–"
        url = reverse("admin:pages_component_changelist")
        return format_html(
            '<a href="{}?page__id__exact={}&amp;trouble=yes">{} not operational</a>',
            url,
            page.pk,
            page.troubled,
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
        moves = moves_of(row, values["slug"]) if "slug" in values else []
        if is_new:
            page = services.create_page(**values, actor=actor, at=at)
        elif self.may(request, row, ADMINS):
            page = services.update_page(page_id=row.pk, **values, actor=actor, at=at)
        else:
            page = row
        groups, components, metrics, members = formsets
        write_board(page, groups, components, actor=actor, at=at)
        write_metrics(page, metrics, actor=actor, at=at)
        if is_new or self.may(request, page, ADMINS):
            services.set_page_members(page_id=page.pk, roles=roles_in(members), actor=actor, at=at)
        for level, text in moves:
            messages.add_message(request, level, text)
        return page

    def lock_row(self, key: Any) -> None:
        # Components are locked before their page.
        components = Component.objects.live().filter(page=key).order_by("pk")
        list(components.select_for_update(no_key=True).values_list("pk"))
        super().lock_row(key)

    def archive(self, *, row: Page, actor: Actor, at: datetime) -> None:
        services.archive_page(page_id=row.pk, actor=actor, at=at)
