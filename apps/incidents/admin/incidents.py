"""Incidents: opened once, changed by updates, taken over from automation."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django import forms
from django.contrib import admin
from django.db import models
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.safestring import SafeString

from apps.core.actors import Actor
from apps.core.adminkit import (
    ArchivedFilter,
    Confirmation,
    DependentSelects,
    HistoryInline,
    PartTable,
    ServiceModelAdmin,
    actor_of,
    kept_forms,
    tag,
    utc,
)
from apps.core.markdown import render
from apps.core.unfold import ModelForm, Select, Switch, Textarea, action, display
from apps.incidents import selectors, services
from apps.incidents.models import (
    Impact,
    Incident,
    IncidentComponent,
    IncidentStatus,
    IncidentUpdate,
)
from apps.pages.models import Component
from apps.pages.status import ComponentStatus

MARKDOWN = "Markdown. Shown to readers."


def _notify() -> forms.BooleanField:
    return forms.BooleanField(
        label="Notify subscribers",
        required=False,
        initial=True,
        widget=Switch,
        help_text="Kept with the update. Pages have no subscribers yet: nothing is sent.",
    )


class OpenForm(ModelForm):
    """A new incident with its first update."""

    first_status = forms.ChoiceField(
        label="Status",
        choices=IncidentStatus.choices,
        initial=IncidentStatus.INVESTIGATING,
        widget=Select,
    )
    message = forms.CharField(
        required=False, help_text=MARKDOWN, widget=Textarea(attrs={"rows": 4})
    )
    deliver_notifications = _notify()

    class Meta:
        model = Incident
        fields = ["page", "name", "impact_override"]


class EditForm(ModelForm):
    """What is not an update."""

    class Meta:
        model = Incident
        fields = ["name", "impact_override"]


class UpdateForm(forms.Form):
    """The next update. Fields for the components are added for the incident's page."""

    status = forms.ChoiceField(choices=IncidentStatus.choices, widget=Select)
    message = forms.CharField(
        required=False, help_text=MARKDOWN, widget=Textarea(attrs={"rows": 4})
    )
    sequence = forms.IntegerField(widget=forms.HiddenInput)
    deliver_notifications = _notify()

    @staticmethod
    def for_components(components: Sequence[Component]) -> type[UpdateForm]:
        """Return the form with one select for each component; left empty nothing is said about it."""
        unchanged = ("", "No change")
        fields: dict[str, Any] = {
            f"component_{component.pk}": forms.ChoiceField(
                label=_labelled(component),
                required=False,
                choices=[unchanged, *ComponentStatus.choices],
                widget=Select,
            )
            for component in components
        }
        return type("UpdateForm", (UpdateForm,), fields)


def said_in(data: dict[str, Any]) -> dict[int, str]:
    """Return {component id: status} of a cleaned UpdateForm."""
    return {
        int(name.removeprefix("component_")): value
        for name, value in data.items()
        if name.startswith("component_") and value
    }


def _labelled(component: Component) -> str:
    group = f"{component.group} / " if component.group else ""
    return f"{group}{component.name} (now: {component.get_status_display()})"


class AffectedInline(DependentSelects, PartTable):
    """The components that a new incident affects."""

    model = IncidentComponent
    error_path = "components"
    fields = ["component", "status"]
    autocomplete_fields = ["component"]
    dependent_fields = {"component": {"page": "page_id"}}
    verbose_name = "affected component"

    def formfield_for_choice_field(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        return super().formfield_for_choice_field(
            db_field, request, **{"initial": ComponentStatus.PARTIAL_OUTAGE, **kwargs}
        )

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class AffectedHistory(HistoryInline):
    """What the incident says about components now."""

    model = IncidentComponent
    fields = ["component", "status", "worst_status", "counts"]
    readonly_fields = ["counts"]
    verbose_name_plural = "affected components"
    hide_title = True

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[Any]:
        rows: models.QuerySet[Any] = super().get_queryset(request)
        return rows.select_related("component")

    @display(description="Counts for its status", boolean=True)
    def counts(self, row: IncidentComponent) -> bool:
        return row.contributes


class UpdateHistory(HistoryInline):
    """The published updates, newest first."""

    model = IncidentUpdate
    fields = ["shown_at", "status", "text", "by"]
    readonly_fields = ["shown_at", "text", "by"]
    verbose_name_plural = "updates"
    hide_title = True

    @display(description="Time")
    def shown_at(self, update: IncidentUpdate) -> str:
        return utc(update.display_at)

    @display(description="Message")
    def text(self, update: IncidentUpdate) -> SafeString | str:
        return render(update.body) if update.body else "–"

    @display(description="By")
    def by(self, update: IncidentUpdate) -> str:
        return update.author or ("Automation" if update.is_automated else "–")


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
class IncidentAdmin(DependentSelects, ServiceModelAdmin):
    """Something that went wrong, as readers see it."""

    list_display = ["name", "page", "status_label", "started", "resolved", "in_whose_hands"]
    list_filter = [OpenFilter, "page", "is_automated", ArchivedFilter]
    list_select_related = ["page"]
    search_fields = ["name", "page__name"]
    autocomplete_fields = ["page"]
    readonly_fields = [
        "page",
        "status_label",
        "impact",
        "started",
        "resolved",
        "in_whose_hands",
        "origin",
    ]
    error_fields = {"status": "first_status", "page_id": "page"}
    actions_detail = ["post_update", "take_over", "archive_row"]
    archive_text = "It leaves the page and every feed, and what it says about components ends. It stays in the audit trail."

    def get_form(
        self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any
    ) -> Any:
        return super().get_form(
            request, obj, change, **{**kwargs, "form": EditForm if change else OpenForm}
        )

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        if obj is None:
            fields = ["page", "name", "first_status", "message", "impact_override"]
            return [(None, {"fields": [*fields, "deliver_notifications"]})]
        return [
            ("Now", {"fields": ["status_label", "impact", "page", "in_whose_hands", "origin"]}),
            ("Times", {"fields": ["started", "resolved"]}),
            ("Correct it", {"fields": ["name", "impact_override"]}),
        ]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return self.readonly_fields if obj else []

    def get_inlines(self, request: HttpRequest, obj: Any) -> Any:
        return [UpdateHistory, AffectedHistory] if obj else [AffectedInline]

    inlines = [AffectedInline]

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

    @display(description="In whose hands")
    def in_whose_hands(self, incident: Incident) -> str:
        if not incident.is_automated:
            return "Staff"
        return "Staff, taken over" if incident.taken_over_at else "Automation"

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
            return services.edit_incident(
                incident_id=row.pk,
                name=data["name"],
                impact_override=data["impact_override"],
                actor=actor,
                at=at,
            )
        parts = [part.cleaned_data for part in kept_forms(formsets[0])]
        incident, _ = services.open_incident(
            page_id=data["page"].pk,
            name=data["name"],
            status=data["first_status"],
            message=data["message"],
            components={part["component"].pk: part["status"] for part in parts},
            impact_override=data["impact_override"],
            deliver_notifications=data["deliver_notifications"],
            actor=actor,
            at=at,
        )
        return incident

    def archive(self, *, row: Incident, actor: Actor, at: datetime) -> None:
        services.archive_incident(incident_id=row.pk, actor=actor, at=at)

    @action(
        description="Post update", permissions=["change"], url_path="post-update", icon="campaign"
    )
    def post_update(self, request: HttpRequest, object_id: str) -> HttpResponse:
        incident = self.get_row(request, object_id)
        affected = list(incident.affected.values_list("component_id", flat=True))
        on_page = models.Q(archived_at__isnull=True, page=incident.page_id)
        components = list(
            Component.objects.filter(on_page | models.Q(pk__in=affected)).select_related("group")
        )
        # What the incident speaks of already comes first.
        components.sort(key=lambda component: component.pk not in affected)

        def run(data: dict[str, Any]) -> str:
            update = services.post_update(
                incident_id=incident.pk,
                status=data["status"],
                message=data["message"],
                components=said_in(data),
                expected_sequence=data["sequence"],
                deliver_notifications=data["deliver_notifications"],
                actor=actor_of(request),
                at=timezone.now(),
            )
            return f"Posted: {update.get_status_display()}."

        return Confirmation(
            title=f"Post an update to {incident}",
            text=(
                "Readers see it at once. Resolving ends what the incident says about components; any other status "
                "reopens a resolved one."
            ),
            button="Post update",
            run=run,
            form=UpdateForm.for_components(components),
            initial={"status": incident.status, "sequence": incident.last_sequence},
        ).respond(request, model_admin=self, row=incident)

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
