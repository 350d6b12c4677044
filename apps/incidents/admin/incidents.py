"""Incidents: opened once, changed by updates, taken over from automation, corrected and merged."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db import models
from django.http import HttpRequest, HttpResponse
from django.urls import path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from apps.accounts.roles import EDITORS, PUBLISHERS
from apps.core.actors import Actor
from apps.core.adminkit import (
    ArchivedFilter,
    Confirmation,
    ServiceModelAdmin,
    actor_of,
    link,
    local,
    tag,
)
from apps.core.unfold import action, display
from apps.incidents import selectors, services
from apps.incidents.admin import corrections, hands, markdown, past, resolving
from apps.incidents.admin import postmortem as postmortems
from apps.incidents.admin.compose import IncidentUpdate, NewIncident, compose, compose_on_page
from apps.incidents.admin.doings import Doings
from apps.incidents.admin.forms import EditForm
from apps.incidents.admin.holding import HoldsChanges, asked_of, held_text
from apps.incidents.admin.inlines import AffectedHistory, UpdateHistory
from apps.incidents.draft_selectors import drafts_of
from apps.incidents.models import Draft, Impact, Incident, IncidentStatus, IncidentTemplate
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
class IncidentAdmin(PageScoped, HoldsChanges, Doings, ServiceModelAdmin):
    """Something that went wrong, as readers see it."""

    form = EditForm
    add_roles = EDITORS
    change_roles = delete_roles = PUBLISHERS
    list_display = ["name", "page", "status_label", "started", "resolved", "tended_by", "quick"]
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
        "story",
        "merged",
    ]
    error_fields = {"page_id": "page"}
    actions_list = ["tell_past"]
    actions_detail = [
        "post_update",
        "resolve",
        "take_over",
        "postmortem",
        "merge",
        "archive_row",
    ]
    usual = ["post_update", "resolve", "postmortem"]
    doing_texts = {
        "take_over": "automation does not change or resolve it any more.",
        "merge": "this one is resolved and leads readers to the other, which keeps going.",
        "archive_row": "it leaves the page and every feed.",
    }
    archive_text = "It leaves the page and every feed, and what it says about components ends. It stays in the audit trail."
    inlines = [UpdateHistory, AffectedHistory]

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """Write a new one on the screen of posts."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        return compose_on_page(
            request,
            model_admin=self,
            title="New incident",
            begin=NewIncident,
            kind=IncidentTemplate.Kind.INCIDENT,
        )

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        incident = self.row_of_page(request, object_id)
        found: list[Draft] = list(drafts_of(incident)[:10]) if incident is not None else []
        more = {"drafts": found, **(extra_context or {})}
        return super().change_view(request, object_id, form_url, more)

    def get_object(self, request: HttpRequest, object_id: str, from_field: Any = None) -> Any:
        incident = super().get_object(request, object_id, from_field)
        if incident is not None and incident.is_automated:
            incident.console_story = hands.story(request, incident)
            incident.console_origin = hands.origin(request, incident)
        return incident

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        now = ["status_label", "impact", "page", "in_whose_hands", "came_from"]
        if getattr(obj, "console_story", "–") != "–":
            now.append("story")
        if obj is not None and obj.merged_into_id:
            now.append("merged")
        return [
            ("Now", {"fields": now}),
            (
                "Correct it",
                {
                    "fields": ["name", "impact_override", "started_at", "resolved"],
                    "description": held_text(request, obj),
                },
            ),
        ]

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
        return local(incident.started_at, incident.page.time_zone)

    @display(description="Resolved", ordering="resolved_at")
    def resolved(self, incident: Incident) -> str:
        return local(incident.resolved_at, incident.page.time_zone)

    @display(description="Origin")
    def came_from(self, incident: Incident) -> SafeString | str:
        found: SafeString | str = getattr(incident, "console_origin", "–")
        return "Told afterwards" if incident.is_retrospective else found

    @display(description="What happened")
    def story(self, incident: Incident) -> SafeString | str:
        found: SafeString | str = getattr(incident, "console_story", "–")
        return found

    @display(description="Merged into")
    def merged(self, incident: Incident) -> SafeString | str:
        return link(incident.merged_into)

    @display(description="In whose hands")
    def in_whose_hands(self, incident: Incident) -> str:
        return hands.in_whose_hands(incident, hands.left_to_staff([incident]))

    @display(description="In whose hands")
    def tended_by(self, incident: Incident) -> str:
        return hands.in_whose_hands(incident, self._left(incident))

    @display(description="Do")
    def quick(self, incident: Incident) -> SafeString | str:
        if not getattr(incident, "console_may_resolve", False):
            return "–"
        url = reverse("admin:incidents_incident_resolve", args=[incident.pk])
        return format_html(
            '<a href="{}">Resolve<span class="console-hidden"> {}</span></a>', url, incident
        )

    def _left(self, incident: Incident) -> set[int]:
        left: set[int] = getattr(incident, "console_left", set())
        return left

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        changelist: Any = super().get_changelist_instance(request)
        rows = list(changelist.result_list)
        left = hands.left_to_staff(rows)
        for row in rows:
            row.console_left = left
            row.console_may_resolve = self.has_resolve_permission(request, row)
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
        # The input knows whole seconds only: a start that was not touched stays as exact as it is.
        moved = "started_at" in form.changed_data
        kind, asked = Draft.Kind.CHANGE_INCIDENT, asked_of(data, form.changed_data)
        if self.hold(request, page=row.page, kind=kind, asked=asked, event=row):
            held: Incident = row
            return held
        return services.edit_incident(
            incident_id=row.pk,
            name=data["name"],
            impact_override=data["impact_override"],
            started_at=data["started_at"] if moved else None,
            actor=actor,
            at=at,
        )

    def archive(self, *, row: Incident, actor: Actor, at: datetime) -> None:
        services.archive_incident(incident_id=row.pk, actor=actor, at=at)

    def get_urls(self) -> list[Any]:
        # Reached from what they are about, so they are no buttons of the incident.
        own: list[tuple[str, Callable[..., HttpResponse], str]] = [
            ("preview/", markdown.preview, "preview"),
            ("<path:object_id>/edit-update/", self.edit_update, "edit_update"),
            ("<path:object_id>/delete-postmortem/", self.delete_postmortem, "delete_postmortem"),
        ]
        return [
            *(
                path(route, self.admin_site.admin_view(view), name=f"incidents_incident_{name}")
                for route, view, name in own
            ),
            *super().get_urls(),
        ]

    def edit_update(self, request: HttpRequest, object_id: str) -> HttpResponse:
        incident = self.get_row(request, object_id)
        if not self.has_change_permission(request, incident):
            raise PermissionDenied
        return corrections.edit_update(
            request, model_admin=self, row=incident, kind=Draft.Kind.CORRECT_UPDATE
        )

    @action(
        description="Post update", permissions=["write"], url_path="post-update", icon="campaign"
    )
    def post_update(self, request: HttpRequest, object_id: str) -> HttpResponse:
        incident = self.get_row(request, object_id)
        return compose(request, model_admin=self, composer=IncidentUpdate(incident))

    def has_write_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        """Who may write drafts: posting is asked for on the screen itself."""
        incident = self.row_of_page(request, object_id)
        return (
            incident is not None
            and incident.merged_into_id is None
            and not incident.is_archived
            and self.may(request, incident, EDITORS)
        )

    def has_post_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        incident = self.row_of_page(request, object_id)
        return (
            incident is not None
            and incident.merged_into_id is None
            and self.has_change_permission(request, incident)
        )

    @action(description="Resolve", permissions=["resolve"], url_path="resolve", icon="check_circle")
    def resolve(self, request: HttpRequest, object_id: str) -> HttpResponse:
        incident = self.get_row(request, object_id)
        return resolving.resolve(request, model_admin=self, incident=incident)

    def has_resolve_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        incident = self.row_of_page(request, object_id)
        return self.has_post_permission(request, incident) and incident.is_open

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
        return self.has_write_permission(request, incident) and not incident.is_open

    def delete_postmortem(self, request: HttpRequest, object_id: str) -> HttpResponse:
        incident = self.get_row(request, object_id)
        if not self.has_post_permission(request, incident):
            raise PermissionDenied
        return postmortems.delete_postmortem(request, model_admin=self, incident=incident)

    @action(description="Merge", permissions=["merge"], url_path="merge", icon="merge")
    def merge(self, request: HttpRequest, object_id: str) -> HttpResponse:
        incident = self.get_row(request, object_id)
        return corrections.merge(request, model_admin=self, incident=incident)

    def has_merge_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        incident = self.row_of_page(request, object_id)
        return self.has_post_permission(request, incident) and not incident.is_retrospective

    @action(
        description="Tell a past incident",
        permissions=["tell"],
        url_path="tell-past",
        icon="history",
    )
    def tell_past(self, request: HttpRequest) -> HttpResponse:
        return past.tell_past(request, model_admin=self)

    def has_tell_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return self.may_anywhere(request, PUBLISHERS)
