"""Components, and why each has its status."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, ClassVar

from django.contrib import admin
from django.db import models
from django.http import HttpRequest, HttpResponse
from django.urls import path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from apps.accounts.roles import PUBLISHERS
from apps.core.actors import Actor
from apps.core.adminkit import (
    ArchivedFilter,
    Confirmation,
    DependentSelects,
    ServiceModelAdmin,
    actor_of,
    tag,
    utc,
)
from apps.core.unfold import action, display
from apps.pages import services
from apps.pages.admin import corrections, past, why
from apps.pages.admin.forms import ComponentForm, StaffStatusForm
from apps.pages.admin.once import once
from apps.pages.models import Component
from apps.pages.scoping import PageScoped
from apps.pages.status import ComponentStatus


class TroubleFilter(admin.SimpleListFilter):
    """Those that are not operational now."""

    title = "now"
    parameter_name = "trouble"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("yes", "Not operational")]

    def queryset(
        self, request: HttpRequest, queryset: models.QuerySet[Any]
    ) -> models.QuerySet[Any]:
        if self.value() == "yes":
            return queryset.exclude(status=ComponentStatus.OPERATIONAL)
        return queryset


@admin.register(Component)
class ComponentAdmin(PageScoped, DependentSelects, ServiceModelAdmin):
    """A part of what readers use."""

    form = ComponentForm
    list_display = ["name", "page", "group", "state_and_why", "since", "readers"]
    list_filter = [ArchivedFilter, "page", TroubleFilter, "status", "hidden"]
    list_select_related = ["page", "group"]
    search_fields = ["name", "page__name", "group__name"]
    autocomplete_fields = ["page", "group"]
    dependent_fields = {"group": {"page": "page_id"}}
    error_fields = {"page_id": "page", "group_id": "group"}
    readonly_fields = ["state", "since", "explained", "corrected"]
    actions_detail = ["set_status", "past", "archive_row"]
    archive_text = "It leaves its page, and its name becomes free. Its history is kept. Integrations that link it say so."
    place = (
        "Where it stands",
        {
            "fields": ["page", "group", "position"],
            "description": "Without a page it is unplaced: it keeps its history and nobody sees it.",
        },
    )
    shown = (
        "How it is shown",
        {"fields": ["showcase", "hidden", "only_show_if_degraded", "start_date"]},
    )

    class Media:
        css: ClassVar = {"all": ["console/page.css"]}
        js = ("console/page-past.js",)

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        own = (None, {"fields": ["name", "description"]})
        if obj is None:
            return [own, self.place, self.shown]
        now = ("Why this status?", {"fields": ["state", "since", "explained"]})
        past = ("What was corrected of its past", {"fields": ["corrected"]})
        return [own, now, self.place, self.shown, past]

    @display(description="Status", ordering="status")
    def state(self, component: Component) -> SafeString:
        return tag(component.status, component.get_status_display())

    @display(description="Since", ordering="status_since")
    def since(self, component: Component) -> str:
        return utc(component.status_since)

    @display(description="Status", ordering="status")
    def state_and_why(self, component: Component) -> SafeString:
        url = reverse("admin:pages_component_why", args=[component.pk])
        return format_html(
            '{} <a href="{}" class="why-link">Why?<span class="visually-hidden"> Why does {} have this status?'
            "</span></a>",
            self.state(component),
            url,
            component,
        )

    @display(description="Readers", ordering="hidden")
    def readers(self, component: Component) -> str:
        if component.page_id is None:
            return "Unplaced"
        if component.hidden:
            return "Hidden"
        return "See it while it is degraded" if component.only_show_if_degraded else "See it"

    @display(description="Who says what")
    def explained(self, component: Component) -> str:
        viewer = component.__dict__["console_viewer"]
        return once(component, "explained", lambda: why.table(component, user=viewer))

    def get_object(self, request: HttpRequest, object_id: str, from_field: Any = None) -> Any:
        row = super().get_object(request, object_id, from_field)
        if row is not None:
            # What a person may know of who speaks of it depends on the person.
            row.__dict__["console_viewer"] = request.user
        return row

    @display(description="Corrections")
    def corrected(self, component: Component) -> str:
        return once(component, "corrected", lambda: corrections.table(component))

    def get_urls(self) -> list[Any]:
        shown = self.admin_site.admin_view(self.why)
        return [
            path("<path:object_id>/why/", shown, name="pages_component_why"),
            *super().get_urls(),
        ]

    def why(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return why.screen(request, self, self.get_row(request, object_id))

    @action(
        description="Past and corrections",
        permissions=["view"],
        url_path="past",
        icon="edit_calendar",
    )
    def past(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return past.screen(request, self, self.get_row(request, object_id))

    @action(
        description="Set status", permissions=["publish"], url_path="set-status", icon="campaign"
    )
    def set_status(self, request: HttpRequest, object_id: str) -> HttpResponse:
        component = self.get_row(request, object_id)

        def run(data: dict[str, Any]) -> str:
            saved = services.set_staff_status(
                component_id=component.pk,
                status=data["status"],
                actor=actor_of(request),
                at=timezone.now(),
            )
            return f"{saved} is now: {saved.get_status_display()}."

        return Confirmation(
            title=f"What do staff say about {component}?",
            text="Staff's word stands until staff take it back. The page shows it at once.",
            button="Set status",
            run=run,
            form=StaffStatusForm,
            initial={"status": component.status},
        ).respond(request, model_admin=self, row=component)

    def has_publish_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        """Publishers of the page say what readers are told of its components."""
        component = self.row_of_page(request, object_id)
        return self.may(request, component, PUBLISHERS) and not component.is_archived

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
    ) -> Component:
        values = dict(form.cleaned_data)
        page, group = values.pop("page"), values.pop("group")
        values |= {"page_id": page and page.pk, "group_id": group and group.pk}
        if is_new:
            return services.create_component(**values, actor=actor, at=at)
        if values["position"] is None:
            del values["position"]
        return services.update_component(component_id=row.pk, **values, actor=actor, at=at)

    def archive(self, *, row: Component, actor: Actor, at: datetime) -> None:
        services.archive_component(component_id=row.pk, actor=actor, at=at)
