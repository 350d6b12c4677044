"""Maintenance: announced, moved by updates, extended, finished early, cancelled."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.urls import path
from django.utils import timezone
from django.utils.safestring import SafeString

from apps.accounts.roles import EDITORS, PUBLISHERS
from apps.core.actors import Actor
from apps.core.adminkit import (
    ArchivedFilter,
    Confirmation,
    DependentSelects,
    ServiceModelAdmin,
    actor_of,
    kept_forms,
    link,
    local,
    local_span,
    tag,
)
from apps.core.unfold import action, display
from apps.incidents.admin import access, corrections
from apps.incidents.admin.compose import (
    MaintenanceUpdate,
    NewMaintenance,
    compose,
    compose_on_page,
)
from apps.incidents.admin.doings import Doings
from apps.incidents.admin.holding import HoldsChanges, asked_of, covering, held_text
from apps.incidents.admin.maintenance_forms import (
    CancelForm,
    EditForm,
    MessageForm,
    RescheduleForm,
)
from apps.incidents.admin.maintenance_parts import (
    CoveredHistory,
    CoveredInline,
    StateFilter,
    UpdateHistory,
)
from apps.incidents.admin.submitting import iso, sentence, submit
from apps.incidents.draft_selectors import drafts_of
from apps.incidents.models import (
    Draft,
    IncidentTemplate,
    Maintenance,
    MaintenanceComponent,
    MaintenanceStatus,
)
from apps.incidents.services import maintenance as services
from apps.incidents.services.maintenance_moves import CANCELLED_TEXT, STOCK_TEXTS
from apps.pages.scoping import PageScoped


@admin.register(Maintenance)
class MaintenanceAdmin(PageScoped, HoldsChanges, Doings, DependentSelects, ServiceModelAdmin):
    """Planned work, as readers see it."""

    form = EditForm
    add_roles = EDITORS
    change_roles = delete_roles = PUBLISHERS
    list_display = ["name", "page", "status_label", "planned", "by_itself", "recurring"]
    list_filter = [StateFilter, "page", ArchivedFilter]
    list_select_related = ["page", "series"]
    search_fields = ["name", "page__name"]
    autocomplete_fields = ["page"]
    readonly_fields = ["on_page", "status_label", "planned", "began", "ended", "recurring"]
    error_fields = {"page_id": "page"}
    actions_detail = [
        "start_now",
        "finish",
        "post_update",
        "reschedule",
        "cancel_maintenance",
        "archive_row",
    ]
    usual = ["start_now", "finish", "post_update", "reschedule"]
    doing_texts = {
        "cancel_maintenance": "readers see that it does not take place.",
        "archive_row": "it leaves the page and every feed.",
    }
    archive_text = (
        "It leaves the page and every feed, and its components are free. To tell readers that it will not "
        "take place, cancel it instead."
    )

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """Write a new one on the screen of posts."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        return compose_on_page(
            request,
            model_admin=self,
            title="New maintenance",
            begin=NewMaintenance,
            kind=IncidentTemplate.Kind.MAINTENANCE,
        )

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        row = self.row_of_page(request, object_id)
        found: list[Draft] = list(drafts_of(row)[:10]) if row is not None else []
        more = {"drafts": found, **(extra_context or {})}
        return super().change_view(request, object_id, form_url, more)

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        switches = ["starts_itself", "ends_itself", "deliver_notifications"]
        now = ["status_label", "planned", "began", "ended", "on_page", "recurring"]
        change = {
            "fields": ["page", "name", *switches],
            "description": held_text(request, obj),
        }
        return [("Now", {"fields": now}), ("Change it", change)]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return self.readonly_fields if obj else []

    def get_inlines(self, request: HttpRequest, obj: Any) -> Any:
        planned = (
            obj is not None and obj.status == MaintenanceStatus.SCHEDULED and not obj.is_archived
        )
        return [UpdateHistory, CoveredInline if planned else CoveredHistory]

    inlines = [CoveredInline]

    @display(description="Status", ordering="status")
    def status_label(self, maintenance: Maintenance) -> SafeString:
        text = "Cancelled" if maintenance.is_cancelled else maintenance.get_status_display()
        return tag(maintenance.status, text)

    @display(description="Planned", ordering="scheduled_for")
    def planned(self, maintenance: Maintenance) -> str:
        begins, ends = maintenance.scheduled_for, maintenance.scheduled_until
        return local_span(begins, ends, maintenance.page.time_zone)

    @display(description="Began")
    def began(self, maintenance: Maintenance) -> str:
        return local(maintenance.started_at, maintenance.page.time_zone)

    @display(description="Ended")
    def ended(self, maintenance: Maintenance) -> str:
        return local(maintenance.completed_at, maintenance.page.time_zone)

    @display(description="By itself")
    def by_itself(self, maintenance: Maintenance) -> str:
        starts, ends = maintenance.starts_itself, maintenance.ends_itself
        if starts and ends:
            return "Starts and ends"
        return "Starts" if starts else "Ends" if ends else "No"

    @display(description="Page")
    def on_page(self, maintenance: Maintenance) -> SafeString | str:
        return link(maintenance.page)

    @display(description="Series")
    def recurring(self, maintenance: Maintenance) -> SafeString | str:
        return link(maintenance.series)

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
    ) -> Maintenance:
        values = dict(form.cleaned_data)
        values.pop("page")
        ids = [
            part.instance.component_id or part.cleaned_data["component"].pk
            for formset in formsets
            if issubclass(formset.model, MaintenanceComponent)
            for part in kept_forms(formset)
        ]
        planned = row.status == MaintenanceStatus.SCHEDULED
        asked = asked_of(values, form.changed_data)
        if planned and set(ids) != set(row.affected.values_list("component_id", flat=True)):
            asked["components"] = covering(ids)
        kind = Draft.Kind.CHANGE_MAINTENANCE
        if self.hold(request, page=row.page, kind=kind, asked=asked, event=row):
            held: Maintenance = row
            return held
        return services.edit_maintenance(
            maintenance_id=row.pk,
            **values,
            components=ids if planned else None,
            actor=actor,
            at=at,
        )

    def archive(self, *, row: Maintenance, actor: Actor, at: datetime) -> None:
        services.archive_maintenance(maintenance_id=row.pk, actor=actor, at=at)

    @action(description="Start now", permissions=["start"], url_path="start", icon="play_arrow")
    def start_now(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return self._move(
            request,
            object_id,
            MaintenanceStatus.IN_PROGRESS,
            title="Start {} now?",
            text="Its components are under maintenance at once. If it is to end by itself, it still does at its planned end.",
            button="Start now",
        )

    @action(description="Finish", permissions=["finish"], url_path="finish", icon="done_all")
    def finish(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return self._move(
            request,
            object_id,
            MaintenanceStatus.COMPLETED,
            title="Finish {}?",
            text="It is completed at once, and its components are free: what their monitors and incidents say shows again.",
            button="Finish",
        )

    @action(
        description="Post update", permissions=["write"], url_path="post-update", icon="campaign"
    )
    def post_update(self, request: HttpRequest, object_id: str) -> HttpResponse:
        maintenance = self.get_row(request, object_id)
        return compose(request, model_admin=self, composer=MaintenanceUpdate(maintenance))

    def get_urls(self) -> list[Any]:
        # Reached from the list of updates: it is about one of them, so it is no button of the maintenance.
        return [
            path(
                "<path:object_id>/edit-update/",
                self.admin_site.admin_view(self.edit_update),
                name="incidents_maintenance_edit_update",
            ),
            *super().get_urls(),
        ]

    def edit_update(self, request: HttpRequest, object_id: str) -> HttpResponse:
        maintenance = self.get_row(request, object_id)
        if not self.has_change_permission(request, maintenance):
            raise PermissionDenied
        return corrections.edit_update(
            request, model_admin=self, row=maintenance, kind=Draft.Kind.CORRECT_MAINTENANCE
        )

    @action(
        description="Move or extend",
        permissions=["unfinished"],
        url_path="reschedule",
        icon="edit_calendar",
    )
    def reschedule(self, request: HttpRequest, object_id: str) -> HttpResponse:
        maintenance = self.get_row(request, object_id)
        zone = maintenance.page.time_zone
        waits = access.waits(request, maintenance.page)

        def run(data: dict[str, Any]) -> str:
            if waits:
                asked = {name: iso(value) for name, value in data.items()}
                outcome = submit(
                    request,
                    page=maintenance.page,
                    kind=Draft.Kind.CHANGE_MAINTENANCE,
                    asked=asked,
                    event=maintenance,
                )
                return sentence(outcome, "")
            saved = services.reschedule_maintenance(
                maintenance_id=maintenance.pk,
                scheduled_for=data.get("scheduled_for"),
                scheduled_until=data["scheduled_until"],
                actor=actor_of(request),
                at=timezone.now(),
            )
            return f"Planned: {local_span(saved.scheduled_for, saved.scheduled_until, zone)}."

        return Confirmation(
            title=f"Move or extend {maintenance}",
            text=(
                f"The page shows the new times {'once another publisher has approved them' if waits else 'at once'}. "
                "No update is posted and nobody is notified: post an update to tell why."
            ),
            button="Ask for approval" if waits else "Save the times",
            run=run,
            form=RescheduleForm.for_maintenance(maintenance),
        ).respond(request, model_admin=self, row=maintenance)

    @action(
        description="Cancel it",
        permissions=["unfinished"],
        url_path="cancel",
        icon="event_busy",
    )
    def cancel_maintenance(self, request: HttpRequest, object_id: str) -> HttpResponse:
        maintenance = self.get_row(request, object_id)
        waits = access.waits(request, maintenance.page)

        def run(data: dict[str, Any]) -> str:
            outcome = submit(
                request,
                page=maintenance.page,
                kind=Draft.Kind.CANCEL_MAINTENANCE,
                asked=data,
                event=maintenance,
            )
            return sentence(outcome, f"{maintenance} is cancelled.")

        return Confirmation(
            title=f"Cancel {maintenance}?",
            text="Readers see that it does not take place. It cannot be taken up again: announce a new one instead.",
            button="Ask for approval" if waits else "Cancel the maintenance",
            run=run,
            is_dangerous=not waits,
            form=CancelForm,
            initial={"message": CANCELLED_TEXT},
        ).respond(request, model_admin=self, row=maintenance)

    def has_write_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        """Who may write drafts: posting is asked for on the screen itself."""
        row = self.row_of_page(request, object_id)
        return row is not None and not row.is_archived and self.may(request, row, EDITORS)

    def has_start_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        row = self.row_of_page(request, object_id)
        return row is not None and row.status == "scheduled" and self._may_change(request, row)

    def has_finish_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        row = self.row_of_page(request, object_id)
        return row is not None and row.is_active and self._may_change(request, row)

    def has_unfinished_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        row = self.row_of_page(request, object_id)
        return row is not None and row.status != "completed" and self._may_change(request, row)

    def _may_change(self, request: HttpRequest, row: Maintenance) -> bool:
        return bool(self.has_change_permission(request, row))

    def _move(
        self,
        request: HttpRequest,
        object_id: str,
        status: MaintenanceStatus,
        *,
        title: str,
        text: str,
        button: str,
    ) -> HttpResponse:
        maintenance = self.get_row(request, object_id)

        waits = access.waits(request, maintenance.page)

        def run(data: dict[str, Any]) -> str:
            outcome = submit(
                request,
                page=maintenance.page,
                kind=Draft.Kind.POST_MAINTENANCE,
                asked={"status": status.value, "components": {}, "stays_automated": True, **data},
                event=maintenance,
            )
            return sentence(outcome, f"{maintenance}: {status.label}.")

        return Confirmation(
            title=title.format(maintenance),
            text=f"{text} It waits for a second person first." if waits else text,
            button="Ask for approval" if waits else button,
            run=run,
            form=MessageForm,
            initial={"message": STOCK_TEXTS[status]},
        ).respond(request, model_admin=self, row=maintenance)
