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

from apps.accounts.roles import PUBLISHERS
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
from apps.incidents.admin import corrections
from apps.incidents.admin import maintenance_posting as posting
from apps.incidents.admin.announcing import FromTemplate
from apps.incidents.admin.maintenance_forms import (
    AnnounceForm,
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
from apps.incidents.admin.using import PREFIX
from apps.incidents.models import Maintenance, MaintenanceComponent, MaintenanceStatus
from apps.incidents.services import edit_maintenance_update
from apps.incidents.services import maintenance as services
from apps.incidents.services.maintenance_moves import CANCELLED_TEXT, STOCK_TEXTS
from apps.pages.scoping import PageScoped


@admin.register(Maintenance)
class MaintenanceAdmin(PageScoped, FromTemplate, DependentSelects, ServiceModelAdmin):
    """Planned work, as readers see it."""

    add_roles = change_roles = delete_roles = PUBLISHERS
    list_display = ["name", "page", "status_label", "planned", "by_itself", "recurring"]
    list_filter = [StateFilter, "page", ArchivedFilter]
    list_select_related = ["page", "series"]
    search_fields = ["name", "page__name"]
    autocomplete_fields = ["page"]
    readonly_fields = ["on_page", "status_label", "planned", "began", "ended", "recurring"]
    error_fields = {"page_id": "page"}
    actions_detail = [
        "start_now",
        "post_update",
        "reschedule",
        "finish",
        "cancel_maintenance",
        "archive_row",
    ]
    archive_text = (
        "It leaves the page and every feed, and its components are free. To tell readers that it will not "
        "take place, cancel it instead."
    )

    def get_form(
        self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any
    ) -> Any:
        form = EditForm if change else AnnounceForm.asking(self.variables(request))
        return super().get_form(request, obj, change, **{**kwargs, "form": form})

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        switches = ["starts_itself", "ends_itself", "deliver_notifications"]
        if obj is None:
            return [
                (None, {"fields": ["page", "name", "message", *self.variables(request)]}),
                ("When", {"fields": ["scheduled_for", "scheduled_until"]}),
                ("By itself", {"fields": switches}),
            ]
        now = ["status_label", "planned", "began", "ended", "on_page", "recurring"]
        return [("Now", {"fields": now}), ("Change it", {"fields": ["page", "name", *switches]})]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return self.readonly_fields if obj else []

    def get_inlines(self, request: HttpRequest, obj: Any) -> Any:
        if obj is None:
            return [CoveredInline]
        planned = obj.status == MaintenanceStatus.SCHEDULED and not obj.is_archived
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
        page = values.pop("page")
        ids = [
            part.instance.component_id or part.cleaned_data["component"].pk
            for formset in formsets
            if issubclass(formset.model, MaintenanceComponent)
            for part in kept_forms(formset)
        ]
        if not is_new:
            planned = row.status == MaintenanceStatus.SCHEDULED
            return services.edit_maintenance(
                maintenance_id=row.pk,
                **values,
                components=ids if planned else None,
                actor=actor,
                at=at,
            )
        values["name"], values["message"] = self.filled(
            request, form.cleaned_data, ids, values["scheduled_for"]
        )
        maintenance, _ = services.create_maintenance(
            page_id=page.pk,
            **{name: value for name, value in values.items() if not name.startswith(PREFIX)},
            components=ids,
            actor=actor,
            at=at,
        )
        return maintenance

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
        description="Post update", permissions=["change"], url_path="post-update", icon="campaign"
    )
    def post_update(self, request: HttpRequest, object_id: str) -> HttpResponse:
        maintenance = self.get_row(request, object_id)
        return posting.post_update(request, model_admin=self, maintenance=maintenance)

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
            request, model_admin=self, row=maintenance, save=edit_maintenance_update
        )

    @action(
        description="Reschedule",
        permissions=["unfinished"],
        url_path="reschedule",
        icon="edit_calendar",
    )
    def reschedule(self, request: HttpRequest, object_id: str) -> HttpResponse:
        maintenance = self.get_row(request, object_id)
        zone = maintenance.page.time_zone

        def run(data: dict[str, Any]) -> str:
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
            text="The page shows the new times at once. No update is posted and nobody is notified: post an update to tell why.",
            button="Save the times",
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

        def run(data: dict[str, Any]) -> str:
            services.cancel_maintenance(
                maintenance_id=maintenance.pk, **data, actor=actor_of(request), at=timezone.now()
            )
            return f"{maintenance} is cancelled."

        return Confirmation(
            title=f"Cancel {maintenance}?",
            text="Readers see that it does not take place. It cannot be taken up again: announce a new one instead.",
            button="Cancel the maintenance",
            run=run,
            is_dangerous=True,
            form=CancelForm,
            initial={"message": CANCELLED_TEXT},
        ).respond(request, model_admin=self, row=maintenance)

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

        def run(data: dict[str, Any]) -> str:
            services.post_maintenance_update(
                maintenance_id=maintenance.pk,
                status=status,
                **data,
                expected_sequence=None,
                stays_automated=True,
                actor=actor_of(request),
                at=timezone.now(),
            )
            return f"{maintenance}: {status.label}."

        return Confirmation(
            title=title.format(maintenance),
            text=text,
            button=button,
            run=run,
            form=MessageForm,
            initial={"message": STOCK_TEXTS[status]},
        ).respond(request, model_admin=self, row=maintenance)
