"""Incidents: opened once, changed by updates, taken over from automation, corrected and merged."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db import models
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
    tag,
    utc,
)
from apps.core.errors import Invalid
from apps.core.unfold import action, display
from apps.incidents import selectors, services
from apps.incidents.admin import corrections, hands, past, posting, using
from apps.incidents.admin import postmortem as postmortems
from apps.incidents.admin.forms import EditForm, OpenForm
from apps.incidents.admin.inlines import AffectedHistory, AffectedInline, UpdateHistory
from apps.incidents.models import Impact, Incident, IncidentStatus, IncidentTemplate
from apps.pages.scoping import PageScoped


class OpenFilter(admin.SimpleListFilter):
    """Unresolved, resolved, or all."""

    title = "state"
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("open", "Unresolved"), ("resolved", "Resolved")]

    def queryset(
        self, request: HttpRequest, queryset: models.QuerySet[Any]
    ) -> models.QuerySet[Any]:
        resolved = models.Q(status=IncidentStatus.RESOLVED)
        if self.value() == "open":
            return queryset.exclude(resolved)
        return queryset.filter(resolved) if self.value() == "resolved" else queryset


@admin.register(Incident)
class IncidentAdmin(PageScoped, DependentSelects, ServiceModelAdmin):
    """Something that went wrong, as readers see it."""

    add_roles = change_roles = delete_roles = PUBLISHERS
    list_display = ["name", "page", "status_label", "started", "resolved", "tended_by"]
    list_filter = [OpenFilter, "page", "is_automated", ArchivedFilter]
    list_select_related = ["page"]
    search_fields = ["name", "page__name"]
    autocomplete_fields = ["page"]
    readonly_fields = [
        "page",
        "status_label",
        "impact",
        "resolved",
        "in_whose_hands",
        "came_from",
        "merged",
    ]
    error_fields = {"status": "first_status", "page_id": "page"}
    actions_list = ["tell_past"]
    actions_detail = ["post_update", "take_over", "postmortem", "merge", "archive_row"]
    archive_text = "It leaves the page and every feed, and what it says about components ends. It stays in the audit trail."
    change_form_outer_before_template = "admin/incidents/pick_for_new.html"

    # A new one, with a template or without.

    def get_form(
        self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any
    ) -> Any:
        form = EditForm if change else OpenForm.asking(self._variables(request))
        return super().get_form(request, obj, change, **{**kwargs, "form": form})

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        initial: dict[str, Any] = super().get_changeform_initial_data(request)
        template = self._template(request)
        if template is None:
            return initial
        return initial | {
            "page": template.page_id,
            "name": template.title,
            "message": template.message,
            "first_status": template.update_status or IncidentStatus.INVESTIGATING,
            "impact_override": template.impact_override,
            "deliver_notifications": template.deliver_notifications,
        }

    def get_formset_kwargs(
        self, request: HttpRequest, obj: Any, inline: Any, prefix: str
    ) -> dict[str, Any]:
        kwargs: dict[str, Any] = super().get_formset_kwargs(request, obj, inline, prefix)
        template = self._template(request)
        if isinstance(inline, AffectedInline) and template is not None and request.method == "GET":
            said = template.components.filter(
                archived_at__isnull=True, page=template.page_id
            ).order_by("position", "name", "pk")
            kwargs["initial"] = [
                {"component": one.pk, "status": template.component_status or one.status}
                for one in said
            ]
        return kwargs

    def get_formsets_with_inlines(self, request: HttpRequest, obj: Any = None) -> Any:
        template = self._template(request) if obj is None else None
        for formset, inline in super().get_formsets_with_inlines(request, obj):
            if isinstance(inline, AffectedInline) and template is not None:
                formset.extra = template.components.filter(
                    archived_at__isnull=True, page=template.page_id
                ).count()
            yield formset, inline

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        picker = using.picker(self._template(request))
        return super().add_view(request, form_url, {**(extra_context or {}), "picker": picker})

    def _template(self, request: HttpRequest) -> IncidentTemplate | None:
        known = request.__dict__
        if "console_template" not in known:
            known["console_template"] = using.chosen(request)
        template: IncidentTemplate | None = known["console_template"]
        return template

    def _variables(self, request: HttpRequest) -> dict[str, Any]:
        template = self._template(request)
        texts = (template.title, template.message) if template else ()
        return using.variable_fields(template, *texts)

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        if obj is None:
            asked = list(self._variables(request))
            fields = ["page", "name", "first_status", "message", *asked, "impact_override"]
            return [(None, {"fields": [*fields, "deliver_notifications"]})]
        now = ["status_label", "impact", "page", "in_whose_hands", "came_from"]
        return [
            ("Now", {"fields": [*now, "merged"] if obj.merged_into_id else now}),
            ("Correct it", {"fields": ["name", "impact_override", "started_at", "resolved"]}),
        ]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return self.readonly_fields if obj else []

    def get_inlines(self, request: HttpRequest, obj: Any) -> Any:
        return [UpdateHistory, AffectedHistory] if obj else [AffectedInline]

    inlines = [AffectedInline]

    # What is shown.

    @display(description="Status", ordering="status")
    def status_label(self, incident: Incident) -> SafeString:
        return tag(incident.status, incident.get_status_display())

    @display(description="Impact")
    def impact(self, incident: Incident) -> str:
        value = selectors.impact(incident)
        how = "set below" if incident.impact_override else "from its components"
        return f"{dict(Impact.choices).get(value, value.capitalize())} ({how})"

    @display(description="Started", ordering="started_at")
    def started(self, incident: Incident) -> str:
        return utc(incident.started_at)

    @display(description="Resolved", ordering="resolved_at")
    def resolved(self, incident: Incident) -> str:
        return utc(incident.resolved_at)

    @display(description="Origin")
    def came_from(self, incident: Incident) -> SafeString | str:
        return "Told afterwards" if incident.is_retrospective else hands.origin(incident)

    @display(description="Merged into")
    def merged(self, incident: Incident) -> SafeString | str:
        return link(incident.merged_into)

    @display(description="In whose hands")
    def in_whose_hands(self, incident: Incident) -> str:
        return hands.in_whose_hands(incident, hands.left_to_staff([incident]))

    @display(description="In whose hands")
    def tended_by(self, incident: Incident) -> str:
        return hands.in_whose_hands(incident, self._left(incident))

    def _left(self, incident: Incident) -> set[int]:
        left: set[int] = getattr(incident, "console_left", set())
        return left

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        changelist: Any = super().get_changelist_instance(request)
        rows = list(changelist.result_list)
        left = hands.left_to_staff(rows)
        for row in rows:
            row.console_left = left
        changelist.result_list = rows
        return changelist

    # What is done.

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
    ) -> Incident:
        data = form.cleaned_data
        if not is_new:
            # The input knows whole seconds only: a start that was not touched stays as exact as it is.
            moved = "started_at" in form.changed_data
            return services.edit_incident(
                incident_id=row.pk,
                name=data["name"],
                impact_override=data["impact_override"],
                started_at=data["started_at"] if moved else None,
                actor=actor,
                at=at,
            )
        parts = [part.cleaned_data for part in kept_forms(formsets[0])]
        components = {part["component"].pk: part["status"] for part in parts}
        name, message = self._texts(request, data, list(components), at)
        incident, _ = services.open_incident(
            page_id=data["page"].pk,
            name=name,
            status=data["first_status"],
            message=message,
            components=components,
            impact_override=data["impact_override"],
            deliver_notifications=data["deliver_notifications"],
            actor=actor,
            at=at,
        )
        return incident

    def _texts(
        self, request: HttpRequest, data: dict[str, Any], components: Sequence[int], at: datetime
    ) -> tuple[str, str]:
        template = self._template(request)
        if template is None:
            return data["name"], data["message"]
        if template.page_id != data["page"].pk:
            raise Invalid(
                "invalid", f"the template is for {template.page}; pick another", field="page"
            )
        return services.fill_texts(
            page=data["page"], component_ids=components, texts=using.texts_in(data), at=at
        )

    def archive(self, *, row: Incident, actor: Actor, at: datetime) -> None:
        services.archive_incident(incident_id=row.pk, actor=actor, at=at)

    def get_urls(self) -> list[Any]:
        # Reached from the list of updates: it is about one of them, so it is no button of the incident.
        return [
            path(
                "<path:object_id>/edit-update/",
                self.admin_site.admin_view(self.edit_update),
                name="incidents_incident_edit_update",
            ),
            *super().get_urls(),
        ]

    def edit_update(self, request: HttpRequest, object_id: str) -> HttpResponse:
        incident = self.get_row(request, object_id)
        if not self.has_change_permission(request, incident):
            raise PermissionDenied
        return corrections.edit_update(
            request, model_admin=self, row=incident, save=services.edit_update
        )

    @action(
        description="Post update", permissions=["post"], url_path="post-update", icon="campaign"
    )
    def post_update(self, request: HttpRequest, object_id: str) -> HttpResponse:
        incident = self.get_row(request, object_id)
        return posting.post_update(request, model_admin=self, incident=incident)

    def has_post_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        incident = self.row_of_page(request, object_id)
        return (
            incident is not None
            and incident.merged_into_id is None
            and self.has_change_permission(request, incident)
        )

    @action(
        description="Take over", permissions=["take_over"], url_path="take-over", icon="back_hand"
    )
    def take_over(self, request: HttpRequest, object_id: str) -> HttpResponse:
        incident = self.get_row(request, object_id)

        def run(_: dict[str, Any]) -> str:
            services.take_over(incident_id=incident.pk, actor=actor_of(request), at=timezone.now())
            return f"{incident} is in your hands: automation does not resolve it any more."

        return Confirmation(
            title=f"Take {incident} over?",
            text="Automation will not change or resolve it any more. What it says stays until you change it.",
            button="Take over",
            run=run,
        ).respond(request, model_admin=self, row=incident)

    def has_take_over_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        incident = self.row_of_page(request, object_id)
        return (
            incident is not None
            and incident.is_automated
            and incident.taken_over_at is None
            and self.has_change_permission(request, incident)
        )

    @action(
        description="Post-mortem", permissions=["postmortem"], url_path="postmortem", icon="school"
    )
    def postmortem(self, request: HttpRequest, object_id: str) -> HttpResponse:
        incident = self.get_row(request, object_id)
        return postmortems.edit_postmortem(request, model_admin=self, incident=incident)

    def has_postmortem_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        incident = self.row_of_page(request, object_id)
        return self.has_post_permission(request, incident) and not incident.is_open

    @action(description="Merge", permissions=["merge"], url_path="merge", icon="merge")
    def merge(self, request: HttpRequest, object_id: str) -> HttpResponse:
        incident = self.get_row(request, object_id)
        return corrections.merge(request, model_admin=self, incident=incident)

    def has_merge_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        incident = self.row_of_page(request, object_id)
        return self.has_post_permission(request, incident) and not incident.is_retrospective

    @action(
        description="Tell a past incident",
        permissions=["add"],
        url_path="tell-past",
        icon="history",
    )
    def tell_past(self, request: HttpRequest) -> HttpResponse:
        return past.tell_past(request, model_admin=self)
