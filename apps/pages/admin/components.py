"""Components, and why each has its status."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.utils import timezone
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
from apps.pages.admin import corrections
from apps.pages.admin.forms import ComponentForm, StaffStatusForm
from apps.pages.models import Component, StatusContribution
from apps.pages.scoping import PageScoped
from apps.pages.selectors import explain
from apps.pages.status import ComponentStatus

ROLES = {
    "decides": "Decides: the status is this one.",
    "counts": "Counts, but another is worse.",
    "muted": "Muted by staff until this monitor's next change.",
    "masked": "Set aside while maintenance covers the component.",
}


@admin.register(Component)
class ComponentAdmin(PageScoped, DependentSelects, ServiceModelAdmin):
    """A part of what readers use."""

    form = ComponentForm
    list_display = ["name", "page", "group", "state", "since", "hidden"]
    list_filter = [ArchivedFilter, "page", "status", "hidden"]
    list_select_related = ["page", "group"]
    search_fields = ["name", "page__name", "group__name"]
    autocomplete_fields = ["page", "group"]
    dependent_fields = {"group": {"page": "page_id"}}
    error_fields = {"page_id": "page", "group_id": "group"}
    readonly_fields = ["state", "since", "why", "corrected"]
    actions_detail = ["set_status", "correct_period", "archive_row"]
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

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        own = (None, {"fields": ["name", "description"]})
        if obj is None:
            return [own, self.place, self.shown]
        now = ("Why this status?", {"fields": ["state", "since", "why"]})
        past = ("What was corrected of its past", {"fields": ["corrected"]})
        return [own, now, self.place, self.shown, past]

    @display(description="Status", ordering="status")
    def state(self, component: Component) -> SafeString:
        return tag(component.status, component.get_status_display())

    @display(description="Since", ordering="status_since")
    def since(self, component: Component) -> str:
        return utc(component.status_since)

    @display(description="Who says what")
    def why(self, component: Component) -> str:
        derived = explain(component.pk)
        sources = dict(StatusContribution.Source.choices)
        rows = [
            {
                "source": sources[one.opinion.source],
                "label": one.opinion.label,
                "status": ComponentStatus(one.opinion.status).label,
                "part": ROLES[one.role],
                "role": one.role,
            }
            for one in derived.explained
        ]
        return render_to_string("admin/console/why.html", {"rows": rows})

    @display(description="Corrections")
    def corrected(self, component: Component) -> str:
        return corrections.table(component)

    @action(
        description="Correct a past period",
        permissions=["publish"],
        url_path="correct-period",
        icon="edit_calendar",
    )
    def correct_period(self, request: HttpRequest, object_id: str) -> HttpResponse:
        component = self.get_row(request, object_id)
        return corrections.correct(request, model_admin=self, component=component)

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
